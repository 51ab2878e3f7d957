"""Who may open the agent's socket, by its mode and its group, and who stays out by mistake?"""

from pathlib import Path

from leader.agent.logs import log
from leader.api.binding import set_rights
from leader.api.peers import group_id
from leader.config.model import ApiConfig

OTHERS_MAY_ASK = 0o002


def renew(path: Path, api: ApiConfig) -> None:
    """Give the socket the rights that the file asks for now."""
    try:
        set_rights(path, api.socket_mode, api.group)
    except OSError as error:
        log.error("the rights of %s stay as they were (%s)", path, error.strerror)


def warn_of_closed(path: Path, api: ApiConfig) -> None:
    """Tell if the mode leaves the socket to a group that this user could not give it to."""
    wanted, given = group_id(api.group), _group_of(path)
    if api.socket_mode & OTHERS_MAY_ASK or wanted is None or given in {None, wanted}:
        return
    log.warning(
        "the socket %s stays closed to the group %s, which the agent's user is not in: make it a member, or "
        "say SupplementaryGroups=%s in its unit",
        path,
        api.group,
        api.group,
    )


def _group_of(path: Path) -> int | None:
    """The file's group; None if the file is gone, as has been told by then."""
    try:
        return path.stat().st_gid
    except OSError:
        return None
