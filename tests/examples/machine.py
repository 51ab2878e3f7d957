"""Machines that can be set up: Debian as it is here, and what is changed is gone with the machine.

Each has a network, /etc, /usr, /var, /root and /run of its own. What a machine of a test cannot have is
played: `apt-get` installs files and finds the rest installed, `systemctl` starts what a unit says.
"""

import subprocess
import sys
from pathlib import Path

from tests.examples.street import House

FURNISH = """
place=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$place"
for directory in etc usr var root; do
    mkdir "$place/$directory" "$place/.$directory"
    layers="lowerdir=/$directory,upperdir=$place/$directory,workdir=$place/.$directory"
    mount -t overlay -o "$layers" overlay "/$directory"
done
umount -l "$place"
rmdir "$place"
mount -t tmpfs -o mode=755 tmpfs /run
exec sleep infinity
"""
APT_GET = """#!/bin/sh
set -eu
for word in "$@"; do
    case $word in
    *.deb) dpkg --install "$word" ;;
    update | install | -y | awscli) ;;
    *) dpkg-query -W "$word" >/dev/null ;;
    esac
done
"""
SYSTEMCTL = """#!/bin/sh
set -eu
verb=$1
shift
for unit in "$@"; do
    file=/etc/systemd/system/$unit.service
    [ -e "$file" ] || file=/usr/lib/systemd/system/$unit.service
    [ -e "$file" ] || continue
    echo "$verb $unit" >>/var/log/systemctl
    case "$verb $*" in
    show*)
        echo LoadState=loaded
        if [ -e "/run/$unit.pid" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi
        ;;
    is-enabled*) [ -e "/etc/$unit.enabled" ] ;;
    reload*) kill -HUP "$(cat "/run/$unit.pid")" ;;
    start* | restart* | enable*--now*)
        sed -n 's,^RuntimeDirectory=,/run/,p' "$file" | xargs --no-run-if-empty mkdir -p
        setsid sh -c "exec $(sed -n 's/^ExecStart=//p' "$file")" </dev/null >>"/var/log/$unit.log" 2>&1 &
        echo $! >"/run/$unit.pid"
        # started is who says READY
        while [ "$unit" = leader ] && ! leader status >/dev/null 2>&1; do sleep 0.1; done
        ;;
    enable*) : >"/etc/$unit.enabled" ;;
    esac
done
"""
UNIT = """[Service]
ExecStart=/usr/bin/leader agent
RuntimeDirectory=leader
"""
CONTROL = """Package: leader
Version: 0
Architecture: all
Maintainer: nobody
Description: stands for the package of leader
"""


class Machine(House):
    """A house with a disk."""

    namespaces = ("--net", "--mount")
    furnish = FURNISH

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.root = Path(f"/proc/{self.pid}/root")
        """Its files, as they are seen from outside."""
        self.socket = self.root / "run/leader/leader.sock"
        self.add("/usr/local/sbin/apt-get", APT_GET)
        self.add("/usr/local/sbin/systemctl", SYSTEMCTL)

    def add(self, path: str, text: str) -> None:
        """A program of that machine."""
        file = self.root / path.removeprefix("/")
        file.write_text(text)
        file.chmod(0o755)

    def log(self, unit: str) -> str:
        """What a unit has said."""
        return (self.root / f"var/log/{unit}.log").read_text()


def package(directory: Path) -> Path:
    """A package that stands for the real one: the command, a unit, the group."""
    tree = directory / "package"
    for name, text in {
        "DEBIAN/control": CONTROL,
        "DEBIAN/postinst": "#!/bin/sh\ngroupadd --force --system leader\nmkdir -p /etc/leader\n",
        "usr/bin/leader": f'#!/bin/sh\nexec {sys.executable} -m leader "$@"\n',
        "usr/lib/systemd/system/leader.service": UNIT,
    }.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    made = directory / "leader.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(made)], check=True, capture_output=True
    )
    return made
