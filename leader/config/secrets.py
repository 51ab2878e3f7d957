"""The quorum's password: which file or credential of systemd's holds it, and who else could read that?

Says nothing of what it reads: not in an error, nor in a warning.
"""

import stat
from pathlib import Path

from leader.config import rules
from leader.config.table import HIDDEN, Findings, Table

CREDENTIAL = "leader.password"
"""The name under which systemd hands it over, by `LoadCredential=leader.password:/etc/leader/password`."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
_VARIABLE = "LEADER_PASSWORD_FILE"
_KEY = "quorum.password_file"


def read_password(table: Table, findings: Findings) -> tuple[str, str]:
    """The file of the quorum's password and the password in it, both empty if there is none.

    The file is `LEADER_PASSWORD_FILE`, else `password_file`, else the credential that systemd hands over.
    """
    key, given = _given(table, findings)
    if given is None:
        return "", ""
    try:
        path = rules.absolute_path(given)
    except ValueError as broken:
        findings.refuse_value(key, HIDDEN, f"{broken}; it is the path of a file that holds the password")
        return "", ""
    findings.origins["quorum.password_file"] = findings.source if key == _KEY else key
    return path, _password(path, key, findings)


def _given(table: Table, findings: Findings) -> tuple[str, object]:
    """Where the file was named, and its path, which may be anything; None if it was not."""
    in_file, in_environment = table.raw("password_file"), findings.environ.get(_VARIABLE)
    if in_environment:
        return _VARIABLE, in_environment
    if in_file is not None:
        return _KEY, in_file
    directory = findings.environ.get(CREDENTIALS)
    handed_over = f"{directory}/{CREDENTIAL}"
    return CREDENTIALS, handed_over if directory and _is_there(Path(handed_over)) else None


def _is_there(path: Path) -> bool:
    """Whether something can be found there: the directory may be that of another user's service."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def warn_of_readers(path: str, key: str, findings: Findings) -> None:
    """Warn if more users can read a secret file than have to.

    A file of root's may let one group read, which is how an agent that is not root gets it. What systemd
    hands over is its own affair: it keeps others out by more than the mode.
    """
    directory = findings.environ.get(CREDENTIALS)
    if directory and Path(path).is_relative_to(directory):
        return
    status = Path(path).stat()
    if status.st_mode & stat.S_IROTH:
        findings.warn(key, f"every user can read {path}; chmod o-r {path} keeps it secret")
    elif status.st_mode & stat.S_IRGRP and (status.st_uid != 0 or status.st_gid == 0):
        findings.warn(key, f"a whole group can read {path}; chmod g-r {path} keeps it secret")


def _password(path: str, key: str, findings: Findings) -> str:
    """The password in a file, without the line's end; empty if it cannot be had."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            findings.refuse_value(key, path, "must be a file, for it is read again at each reload")
            return ""
        with Path(path).open(encoding="utf-8") as file:
            password = file.read().rstrip("\r\n")
        warn_of_readers(path, key, findings)
    except OSError as error:
        findings.refuse_value(key, path, f"must be a file that {rules.reader()} can read ({error.strerror})")
        return ""
    except UnicodeDecodeError:
        findings.refuse_value(key, path, "must be a text file in UTF-8")
        return ""
    if not password:
        findings.refuse_value(key, path, "must hold a password, and is empty")
    return password
