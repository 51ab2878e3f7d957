"""Where is the socket, and where are the agent's directories?

Agent and client look in different places on purpose: systemd's `RUNTIME_DIRECTORY` in a client's
environment may be that of another unit. An empty variable counts as one that is not set. Clients read
this file in a hurry, so it imports `os` alone, which the interpreter has loaded, and errors when one is due.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # what collections.abc costs at start is more than all of this file
    from collections.abc import Mapping

SOCKET_NAME = "leader.sock"
SYSTEM_RUNTIME_DIR = "/run/leader"
SYSTEM_STATE_DIR = "/var/lib/leader"
LONGEST_SOCKET_PATH = 107
"""Bytes. Source: unix(7), sun_path."""


def agent_runtime_directory(environ: "Mapping[str, str]", *, root: bool) -> str:
    """The directory of an agent's socket, lock and holders.

    `LEADER_RUNTIME_DIR`, else the first entry of `RUNTIME_DIRECTORY`, else `/run/leader` for root, else
    `$XDG_RUNTIME_DIR/leader`.

    Raises:
        ConfigurationError: none of them is there to choose.
    """
    chosen = environ.get("LEADER_RUNTIME_DIR") or _first_entry(environ, "RUNTIME_DIRECTORY")
    if chosen:
        return chosen
    if root:
        return SYSTEM_RUNTIME_DIR
    if environ.get("XDG_RUNTIME_DIR"):
        return f"{environ['XDG_RUNTIME_DIR']}/leader"
    from leader.errors import ConfigurationError  # noqa: PLC0415 - a client in a hurry does not need it

    raise ConfigurationError(
        "LEADER_RUNTIME_DIR and XDG_RUNTIME_DIR are not set: name a directory for the agent's socket"
    )


def agent_state_directory(environ: "Mapping[str, str]", *, root: bool) -> str:
    """The directory of what an agent keeps over a reboot: the highest term, the pause.

    `LEADER_STATE_DIR`, else the first entry of `STATE_DIRECTORY`, else `/var/lib/leader` for root, else
    `$XDG_STATE_HOME/leader`, else `~/.local/state/leader`.
    """
    chosen = environ.get("LEADER_STATE_DIR") or _first_entry(environ, "STATE_DIRECTORY")
    if chosen:
        return chosen
    if root:
        return SYSTEM_STATE_DIR
    return f"{environ.get('XDG_STATE_HOME') or os.path.expanduser('~/.local/state')}/leader"


def agent_socket(environ: "Mapping[str, str]", *, root: bool, option: str | None = None) -> str:
    """Where an agent listens: `--socket`, else `LEADER_SOCKET`, else in its runtime directory.

    Raises:
        ConfigurationError: the path is longer than the kernel takes, or no directory can be chosen.
    """
    path = (
        option
        or environ.get("LEADER_SOCKET")
        or f"{agent_runtime_directory(environ, root=root)}/{SOCKET_NAME}"
    )
    return _short_enough(path)


def client_socket(environ: "Mapping[str, str]", option: str | None = None) -> str:
    """Where a client finds the agent.

    `--socket`, else `LEADER_SOCKET`, else in `LEADER_RUNTIME_DIR`, else `/run/leader/leader.sock` if it is
    there, else in `$XDG_RUNTIME_DIR/leader`; never `RUNTIME_DIRECTORY`.

    Raises:
        ConfigurationError: the path is longer than the kernel takes.
    """
    return _short_enough(choose_client_socket(environ, option))


def choose_client_socket(environ: "Mapping[str, str]", option: str | None = None) -> str:
    """The same for a caller that sees for itself whether the kernel takes the path."""
    named = option or environ.get("LEADER_SOCKET")
    if named:
        return named
    directory = environ.get("LEADER_RUNTIME_DIR")
    if directory:
        return f"{directory}/{SOCKET_NAME}"
    system = f"{SYSTEM_RUNTIME_DIR}/{SOCKET_NAME}"
    own = environ.get("XDG_RUNTIME_DIR")
    if not own or _is_there(system):
        return system
    return f"{own}/leader/{SOCKET_NAME}"


def _is_there(path: str) -> bool:
    """Whether something is at that path; a directory that is closed to us may well hold it."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _first_entry(environ: "Mapping[str, str]", variable: str) -> str:
    """The first of the directories that systemd joined with colons, or an empty text."""
    return environ.get(variable, "").split(":")[0]


def _short_enough(path: str) -> str:
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET_PATH:
        from leader.errors import ConfigurationError  # noqa: PLC0415 - a client in a hurry does not need it

        raise ConfigurationError(
            f"the socket path {path} has {length} bytes, and the kernel takes {LONGEST_SOCKET_PATH}: "
            "choose a shorter one with --socket, LEADER_SOCKET or LEADER_RUNTIME_DIR"
        )
    return path
