"""`make deb`, `make rpm`: how do the command, its environment and its units get into a package?

All is put under one folder as it will lie below `/`, and nfpm makes either package of it: one description
for both, and nothing to install but a Python package. The environment is of the distribution's Python, and
its own: nothing of the system's Python is touched, or reaches it (-I: a crontab's PYTHONPATH does not count).
"""

import argparse
import gzip
import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PACKAGING = PROJECT / "packaging"
BUILD = PROJECT / "build"
WHEELS = BUILD / "wheels"
HOME = "usr/lib/leader"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OF_NO_USE = ("tests", "test", "include")
"""Folders of dependencies that nothing needs once they are installed."""

ZSH = {"deb": "vendor-completions", "rpm": "site-functions"}
OLDEST = (3, 11)
FIRST_LINE = f"#!/{HOME}/bin/python -I\n"
COPYRIGHT = """\
leader: the licence is that of the file below, MIT.

{licence}
The folder /{home} holds these Python packages as well, each with its licence in its .dist-info (that of
Apache stands in /usr/share/common-licenses/Apache-2.0, too):

{packages}
"""


def main() -> None:
    """Build one package, and print where it is."""
    parser = argparse.ArgumentParser(description="Build a package of leader for this distribution.")
    parser.add_argument("format", choices=("deb", "rpm"))
    parser.add_argument("--python", default="/usr/bin/python3", help="the distribution's Python")
    parser.add_argument("--to", type=Path, default=PROJECT / "dist", help="the folder for the package")
    arguments = parser.parse_args()
    root = BUILD / "package"
    shutil.rmtree(root, ignore_errors=True)
    python = run([arguments.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    if tuple(map(int, python.split("."))) < OLDEST:
        sys.exit(
            f"{arguments.python} is Python {python}, and leader needs 3.11: name another one with --python"
        )
    packages = make_environment(root / HOME, arguments.python, python)
    trim(packages)
    add_files(root, packages, arguments.format)
    when = source_date()
    settle(root, packages, when, arguments.python)
    arguments.to.mkdir(exist_ok=True)
    print(pack(root, packages, arguments.format, python, when, arguments.to))


def run(command: list[str], **environment: str) -> str:
    """What a command says; it must succeed."""
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


# The environment.


def make_environment(home: Path, interpreter: str, python: str) -> Path:
    """An environment at the place where it will be found; return its folder of packages."""
    run([interpreter, "-m", "venv", "--without-pip", "--symlinks", str(home)])
    install(home / "bin/python")
    for script in (home / "bin").iterdir():
        if script.name not in {"leader", "leader-python", "python", "python3"}:
            script.unlink()
    link = home / "bin/python3"
    link.unlink()
    link.symlink_to(f"../../../bin/python{python}")
    command = home / "bin/leader-python"
    command.write_text(re.sub(r"^#!.*\n", FIRST_LINE, command.read_text(), count=1))
    shutil.rmtree(home / "include", ignore_errors=True)
    note = home / "pyvenv.cfg"
    lines = note.read_text().splitlines(keepends=True)
    note.write_text("".join(line for line in lines if not line.startswith("command")))
    return home / f"lib/python{python}/site-packages"


def install(interpreter: Path) -> None:
    """Install this project, from wheels that an earlier build has fetched, or else through the network."""
    for old in WHEELS.glob("leader-*.whl"):
        old.unlink()
    run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(WHEELS)])
    (wheel,) = WHEELS.glob("leader-*.whl")
    pip = [*PIP, "--python", str(interpreter)]
    local = [*pip, "install", "--no-index", "--no-compile", "--find-links", str(WHEELS), str(wheel)]
    if subprocess.run(local, cwd=PROJECT, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        run([*pip, "wheel", "--wheel-dir", str(WHEELS), str(wheel)])
        run(local)


def trim(packages: Path) -> None:
    """Take out what only the making of the environment needed, and what says where that was."""
    for folder in [found for name in OF_NO_USE for found in packages.glob(f"*/{name}")]:
        if folder.is_dir():
            shutil.rmtree(folder)
    for record in ("RECORD", "direct_url.json", "INSTALLER", "REQUESTED"):
        for file in packages.glob(f"*.dist-info/{record}"):
            file.unlink()
    strip = shutil.which("strip")
    if strip:
        run([strip, "--strip-unneeded", *map(str, packages.rglob("*.so"))])


# What else is in the package.


def add_files(root: Path, packages: Path, kind: str) -> None:
    """The command, the units, manual pages, completions and documents."""
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/leader").symlink_to("../lib/leader/bin/leader")
    shutil.copy(PACKAGING / "systemd/hold", root / HOME / "hold")
    for unit in (PACKAGING / "systemd").glob("*.service"):
        copy(unit, root / "usr/lib/systemd/system")
    documents = root / "usr/share/doc/leader"
    for folder in (PROJECT / "examples/systemd", PACKAGING / "systemd/drop-ins"):
        for file in folder.iterdir():
            copy(file, documents / "examples/systemd")
    run(
        [
            sys.executable,
            "-m",
            "leader",
            "config",
            "init",
            "--config",
            str(documents / "examples/leader.toml"),
        ]
    )
    (documents / "copyright").write_text(copyright_of(packages))
    add_pages(root, kind)
    if kind == "deb":
        write_compressed(documents / "changelog.gz", (PROJECT / "CHANGELOG.md").read_text())
        write_compressed(documents / "changelog.Debian.gz", debian_changelog())
        copy(PACKAGING / "package/deb/lintian-overrides", root / "usr/share/lintian/overrides", "leader")
    else:
        copy(PROJECT / "CHANGELOG.md", documents)


def add_pages(root: Path, kind: str) -> None:
    """Manual pages, and completions where each shell looks for those of packages."""
    written = {what: BUILD / what for what in ("man", "completions")}
    for what, folder in written.items():
        run([sys.executable, "-m", "leader.manual", what, str(folder)])
    for page in written["man"].iterdir():
        folder = root / f"usr/share/man/man{page.suffix[1:]}"
        folder.mkdir(parents=True, exist_ok=True)
        write_compressed(folder / f"{page.name}.gz", page.read_text())
    share = root / "usr/share"
    copy(written["completions"] / "leader.bash", share / "bash-completion/completions", "leader")
    copy(written["completions"] / "_leader", share / "zsh" / ZSH[kind])
    copy(written["completions"] / "leader.fish", share / "fish/vendor_completions.d")


def copy(file: Path, folder: Path, name: str = "") -> None:
    """Put a file into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / (name or file.name))


def write_compressed(path: Path, text: str) -> None:
    """Write what gzip makes of a text, the same each time."""
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def copyright_of(packages: Path) -> str:
    """The licence, and those of all that is in the environment."""
    listed = (metadata(folder) for folder in sorted(packages.glob("*.dist-info")))
    lines = [f"{name} {version}: {licence}" for name, version, licence in listed if name != "leader"]
    return COPYRIGHT.format(licence=(PROJECT / "LICENSE").read_text(), home=HOME, packages="\n".join(lines))


def metadata(folder: Path) -> tuple[str, str, str]:
    """Name, version and licence of an installed Python package."""
    told = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
    classified = [
        line.split("::")[-1].strip() for line in told.get_all("Classifier", []) if "License" in line
    ]
    licence = told["License-Expression"] or ", ".join(classified) or told["License"] or "see there"
    return told["Name"], told["Version"], licence


def debian_changelog() -> str:
    """The entry that a Debian package must have; what has changed stands in changelog.gz."""
    when = datetime.fromtimestamp(source_date(), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    entry = "  * What has changed stands in changelog.gz beside this file."
    return f"leader ({version()}-1) unstable; urgency=medium\n\n{entry}\n\n -- {maintainer()}  {when}\n"


# Packing.


def settle(root: Path, packages: Path, when: int, interpreter: str) -> None:
    """Give all files the rights and the time that they have in each build, and compile the environment.

    An ordinary user's `leader is-leader` could not keep what it compiles, and so would do that each time.
    """
    for path in everything(root):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (when, when), follow_symlinks=False)
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "timestamp", "-j", "0"]
    run([interpreter, *compiling, "-s", str(root), "-p", "/", str(packages)])
    for path in everything(root):
        os.utime(path, (when, when), follow_symlinks=False)


def everything(root: Path) -> Iterator[Path]:
    """All files and folders below, and the folder itself."""
    yield root
    yield from root.rglob("*")


def pack(root: Path, packages: Path, kind: str, python: str, when: int, to: Path) -> Path:
    """Make the package of what lies under the root."""
    major, minor = python.split(".")
    values = {
        "arch": ARCHITECTURES.get(os.uname().machine, os.uname().machine),
        "version": version(),
        "maintainer": maintainer(),
        "date": datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "root": str(root),
        "python": python,
        "next_python": f"{major}.{int(minor) + 1}",
        "glibc": glibc(packages),
    }
    described = string.Template((PACKAGING / "package/nfpm.yaml").read_text()).substitute(values)
    description = BUILD / "nfpm.yaml"
    description.write_text(described)
    nfpm = str(Path(sys.executable).with_name("nfpm"))
    said = run(
        [nfpm, "package", "-f", str(description), "-p", kind, "-t", f"{to}/"], SOURCE_DATE_EPOCH=str(when)
    )
    return Path(said.rpartition("created package: ")[2].strip())


def version() -> str:
    """The version of this project."""
    found = re.search(r'^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def maintainer() -> str:
    """Who builds the package, as Debian's tools are told."""
    name = os.environ.get("DEBFULLNAME", "the leader authors")
    return f"{name} <{os.environ.get('DEBEMAIL', 'leader@localhost')}>"


def glibc(packages: Path) -> str:
    """The oldest C library that all compiled modules run with, by the tags of their wheels."""
    tags = (
        re.findall(r"manylinux_(\d+)_(\d+)_", file.read_text()) for file in packages.glob("*.dist-info/WHEEL")
    )
    oldest = max(min((int(major), int(minor)) for major, minor in several) for several in tags if several)
    return ".".join(map(str, oldest))


def source_date() -> int:
    """The time of the last commit, unless SOURCE_DATE_EPOCH says another: one source makes one package."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    return int(told or run(["git", "log", "-1", "--format=%ct"]))


if __name__ == "__main__":
    main()
