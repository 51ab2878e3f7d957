"""The package as users get it: a wheel, installed in a clean virtual environment."""

import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def install(directory: Path) -> Path:
    """The folder of programs of a clean environment that holds the package, without its dependencies.

    `leader is-leader` needs none of them, and a machine without a network has none to give.
    """
    wheel = build_wheel(directory / "wheel")
    venv.create(directory / "env", with_pip=False, symlinks=True)
    programs = directory / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)])
    return programs


def build_wheel(directory: Path) -> Path:
    """A wheel of the project as it stands."""
    run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)])
    (wheel,) = directory.glob("*.whl")
    return wheel


def run(command: list[str]) -> None:
    """Run a command in the project; what it said is in the failure."""
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
