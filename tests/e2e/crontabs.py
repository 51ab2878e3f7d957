"""A machine of its own for Debian's cron daemon, as far as cron can tell: its crontabs, /run, spool and mail.

Made of mounts in a namespace of the daemon's own, so nothing on the real machine changes. Needs root.
"""

import os
import subprocess
import sys
from pathlib import Path

SEARCHABLE = 0o001

SCRIPT = """
set -e
unreachable=$1 python=$2 machine=$3; shift 3
mount --bind "$python" "$machine/python"
if [ "$unreachable" != / ]; then
    mount -t tmpfs -o mode=755 tmpfs "$unreachable"
    mkdir -p "$python"
    mount --bind "$machine/python" "$python"
fi
mount -t tmpfs -o mode=755 tmpfs /run
mount -t overlay -o "lowerdir=$machine/bin:/usr/bin" overlay /usr/bin
mount -t overlay -o "lowerdir=$machine/sbin:/usr/sbin" overlay /usr/sbin
mount --bind "$machine/spool" /var/spool/cron
mount --bind "$machine/cron.d" /etc/cron.d
: > "$machine/crontab"
mount --bind "$machine/crontab" /etc/crontab
mount --bind "$machine/group" /etc/group
exec cron -f -L 0
"""
"""Ordinary users must reach the interpreter, wherever it is; the system's own crontabs must not run."""

GROUPS = Path("/etc/group")


class Machine:
    """One node's cron: `leader` is in /usr/bin there, and mail is kept in a file."""

    def __init__(self, directory: Path, programs: Path) -> None:
        """`programs` holds the installed `leader`."""
        self.directory = directory
        self.mail_file = directory / "mail"
        self._cron: subprocess.Popen[bytes] | None = None
        for name in ("bin", "sbin", "spool/crontabs", "cron.d", "python"):
            (directory / name).mkdir(parents=True)
        (directory / "spool/crontabs").chmod(0o1730)
        (directory / "bin/leader").symlink_to(programs / "leader")
        (directory / "group").write_text(GROUPS.read_text())
        self.mail_file.touch()
        self.mail_file.chmod(0o666)
        sendmail = directory / "sbin/sendmail"
        sendmail.write_text(f"#!/bin/sh\ncat >> {self.mail_file}\n")
        sendmail.chmod(0o755)

    def add_for_all(self, text: str) -> None:
        """A file in /etc/cron.d, whose lines name the user."""
        file = self.directory / "cron.d" / "jobs"
        file.write_text(text)
        file.chmod(0o644)

    def add_for_user(self, user: str, text: str) -> None:
        """A user's own crontab, as `crontab FILE` installs it."""
        file = self.directory / "spool/crontabs" / user
        file.write_text(text)
        file.chmod(0o600)
        subprocess.run(["chown", user, str(file)], check=True)

    def add_member(self, user: str, group: str) -> None:
        """Put a user in a group, as `adduser USER GROUP` does."""
        lines = GROUPS.read_text().splitlines()
        found = next(line for line in lines if line.startswith(f"{group}:"))
        lines[lines.index(found)] = f"{found},{user}" if found[-1] != ":" else f"{found}{user}"
        (self.directory / "group").write_text("\n".join([*lines, ""]))

    def start(self) -> None:
        """Run the daemon."""
        arguments = [unreachable(Path(sys.base_prefix)), sys.base_prefix, str(self.directory)]
        with (self.directory / "log").open("wb") as log:
            self._cron = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", *arguments],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def check(self) -> None:
        """Raise AssertionError if the daemon does not run."""
        assert self._cron is not None
        assert self._cron.poll() is None, (self.directory / "log").read_text()

    def stop(self) -> None:
        """End the daemon; its mounts go with it."""
        if self._cron is not None:
            self._cron.kill()
            self._cron.wait()

    def subjects(self) -> list[str]:
        """What each mail that cron sent is about: the command that had printed something."""
        lines = self.mail_file.read_text().splitlines()
        return [line for line in lines if line.startswith("Subject: ")]


def unreachable(path: Path) -> str:
    """The outermost directory above that path that others may not search; `/` if there is none."""
    closed = [above for above in reversed(path.parents) if not above.stat().st_mode & SEARCHABLE]
    return os.fspath(closed[0]) if closed else "/"
