"""A machine of its own, with systemd as its first process, that the tests may install packages on.

Its files are this machine's, seen through an overlay in memory, and its processes, mounts, network, host
name and control groups are its own: nothing on the real machine changes, and all ends with the first process.
Needs root. What it has not got: a kernel, devices and hardware clocks of its own, udev, logind, the journal.
"""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.support.agents import short_directory
from tests.support.node import Ended
from tests.support.polling import until

SHARED = "/srv/shared"
"""Where the machine finds the directory that it has in common with the test."""

CGROUPS = """
set -e
mkdir -p "$1/cgroups"
mount -t cgroup2 cgroup2 "$1/cgroups"
"""
ENTER = CGROUPS + (
    'mkdir "$1/cgroups/$2"; echo $$ > "$1/cgroups/$2/cgroup.procs"; shift 2; '
    "exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup --mount-proc sh -c"
    ' "$@"'
)
LEAVE = CGROUPS + 'find "$1/cgroups/$2" -depth -type d -exec rmdir {} +'

BOOT = f"""
set -e
root=$1/root
mount -t tmpfs tmpfs "$1/upper"
mkdir "$1/upper/files" "$1/upper/work"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper/files,workdir=$1/upper/work" overlay "$root"
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
chmod 1777 tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir -p dev/shm dev/pts .{SHARED}
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mount --bind "$1/shared" .{SHARED}
: > etc/fstab
rm -rf etc/systemd/system usr/lib/systemd/system/*.wants usr/sbin/policy-rc.d var/lib/systemd
mkdir -p etc/systemd/system/service.d
printf '[Unit]\\n' > etc/systemd/system/machine.target
printf '[Service]\\nStandardOutput=append:/var/log/%%N.log\\nStandardError=inherit\\n' \
    > etc/systemd/system/service.d/log.conf
mount --make-rshared .
echo machine > etc/hostname
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . \
    /lib/systemd/systemd --unit=machine.target --log-target=console --show-status=no
"""
"""The system's own services stay out: no unit wants them. /proc/sys is all machines', so it is only read."""


class Machine:
    """One machine, while it is entered."""

    def __init__(self, directory: Path) -> None:
        self.shared = directory / "shared"
        self._directory = directory
        self._cgroup = f"machine-{directory.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._first = 0

    def __enter__(self) -> Self:
        for name in ("root", "upper", "shared"):
            (self._directory / name).mkdir()
        self._directory.chmod(0o755)
        entering = [str(self._directory), self._cgroup, BOOT, "sh", str(self._directory)]
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", ENTER, "sh", *entering],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        until(self._has_booted, "the machine boots")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        leaving = ["unshare", "--mount", "sh", "-c", LEAVE, "sh", str(self._directory), self._cgroup]
        until(
            lambda: subprocess.run(leaving, capture_output=True, check=False).returncode == 0, "all has ended"
        )

    @property
    def _console(self) -> Path:
        return self._directory / "console"

    def _has_booted(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._console.read_text()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            return False
        self._first = int(children[0])
        return (
            self.run("test -S /run/systemd/private && systemctl is-active --quiet machine.target").code == 0
        )

    @property
    def first(self) -> int:
        """The id of its first process, as the real machine counts."""
        return self._first

    # What a test does there.

    def run(self, line: str, user: str = "root", within_s: float = 60) -> Ended:
        """A line of shell, run as that user to its end."""
        entering = ["nsenter", "--target", str(self._first), "--all", "--root", "--wd"]
        shell = ["runuser", "-u", user, "--", "sh", "-c", line] if user != "root" else ["sh", "-c", line]
        done = subprocess.run(
            [*entering, *shell],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def do(self, line: str, user: str = "root", within_s: float = 60) -> str:
        """What a line of shell says, which must succeed."""
        ended = self.run(line, user, within_s)
        assert ended.code == 0, f"{line}\nended with {ended.code}: {ended.output}{ended.complaint}"
        return ended.output.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a file there, with the folders above it."""
        file = shlex.quote(path)
        self.do(f"mkdir -p $(dirname {file}); printf %s {shlex.quote(text)} > {file}; chmod {mode:o} {file}")

    def says(self, line: str, user: str = "root") -> bool:
        """Whether a line of shell ends well."""
        return self.run(line, user).code == 0

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.do(f"systemctl show --value --property {name} {unit}")

    def log(self, unit: str) -> str:
        """What a service has printed."""
        return self.run(f"cat /var/log/{unit}.log").output


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine that has booted."""
    with short_directory() as directory, Machine(directory) as booted:
        yield booted
