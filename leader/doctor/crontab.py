"""What is wrong with a crontab, as far as `leader` is concerned?

This file reads it and looks at the machine; the rules are in `cron_rules.py` and `cron_whole.py`.
"""

import contextlib
import pwd
import shutil
import sys
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from leader.doctor import cron_rules, cron_whole
from leader.doctor.cron_sheet import Host, Sheet
from leader.doctor.cron_text import read
from leader.doctor.finding import Finding
from leader.errors import UsageError

STDIN = "-"


def examine_file(path: str, elections: Collection[str]) -> list[Finding]:
    """All that is wrong with this crontab; `-` is standard input. No elections: their names are not checked.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"the crontab {path} cannot be read ({why}): name a file that you may read"
        ) from None
    name = "stdin" if path == STDIN else path
    return examine(name, content.decode(errors="replace"), elections, this_host())


def examine(name: str, text: str, elections: Collection[str], host: Host) -> list[Finding]:
    """All that is wrong with this text of a crontab; of each rule the first case in a line."""
    sheet = Sheet(name, text, _has_users(name, text, host), host, elections)
    if not sheet.calling:
        return []
    of_lines = [
        found
        for line in sheet.lines
        for rule in (cron_rules.RULES if line.calls else ()) + cron_rules.RULES_FOR_ALL
        for found in islice(rule(sheet, line), 1)
    ]
    return of_lines + [found for rule in cron_whole.RULES for found in rule(sheet)]


def this_host() -> Host:
    """The machine that this runs on."""
    beside = Path(sys.executable).with_name("leader")
    program = shutil.which("leader") or (str(beside) if beside.exists() else "")
    return Host(_finds, _is_user, program, Path("/etc/debian_version").exists())


def _has_users(name: str, text: str, host: Host) -> bool:
    """Whether entries have a user: by where the file is, else by whether each begins with one that exists."""
    path = Path(name)
    if path.parent.name == "cron.d" or name == "/etc/crontab":
        return True
    if "crontabs" in path.parts or name == "stdin":
        return False
    first = [entry.user for entry in read(text, has_users=True).entries]
    return any(map(host.is_user, first)) and not any(user.rpartition("/")[2] == "leader" for user in first)


def _finds(program: str, path: str) -> bool:
    with contextlib.suppress(ValueError):
        return shutil.which(program, path=path) is not None
    return False


def _is_user(name: str) -> bool:
    with contextlib.suppress(KeyError, ValueError):
        return bool(pwd.getpwnam(name).pw_name)
    return False
