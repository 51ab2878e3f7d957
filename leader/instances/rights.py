"""Which of all that an agent does would an instance not let its user do?

Asked by doing it in a form that changes nothing, as the same user: so it works on every version, and for
users that may not use `ACL DRYRUN`. Servers check permissions before they look at a command's arguments.
"""

from dataclasses import dataclass

from redis.exceptions import RedisError

from leader.instances.link import Link
from leader.instances.problems import is_answer, text_of
from leader.instances.wire import Caller

_NO_COMMAND = "permissions to run"
_NO_CHANNEL = "channel"
_NO_KEY = "key"


@dataclass(frozen=True, slots=True)
class Missing:
    """What to add to the user's rules: commands, and the pattern of keys or channels if that is missing."""

    commands: tuple[str, ...] = ()
    keys: str = ""
    channels: str = ""

    def __bool__(self) -> bool:
        return bool(self.commands or self.keys or self.channels)

    @property
    def rules(self) -> str:
        """The rules that add it, as ACL SETUSER takes them."""
        keys = [f"~{self.keys}"] if self.keys else []
        channels = [f"&{self.channels}"] if self.channels else []
        return " ".join([*keys, *channels, *(f"+{command}" for command in self.commands)])


async def missing_rights(link: Link, caller: Caller, elections: list[str]) -> Missing:
    """All that is refused on this connection, which subscribes at the end and is of no more use.

    Raises:
        RedisError: the connection failed meanwhile.
    """
    commands: list[str] = []
    keys = channels = ""
    for name, *command in _harmless(caller, elections):
        error = await _refusal(link, command)
        if _NO_COMMAND in error:
            commands.append(name)
        elif _NO_CHANNEL in error:
            channels = caller.own if name == "subscribe" else channels
        elif _NO_KEY in error:
            keys = caller.own
    return Missing(tuple(dict.fromkeys(commands)), keys, channels)


def _harmless(caller: Caller, elections: list[str]) -> list[tuple[str, ...]]:
    """Each right's name with a command that needs it and changes nothing.

    HSET with a field that lacks its value is refused as malformed after permissions are checked; no node has
    an empty name; nobody keeps anything under the key that is deleted, or listens to the channel. SUBSCRIBE
    is last: it shows if the real ones are allowed.
    """
    keys = [*caller.keys(elections), caller.jobs_key]
    return [
        ("ping", "PING"),
        ("select", "SELECT", str(caller.database)),
        ("info", "INFO", "server"),
        ("time", "TIME"),
        ("client|setname", "CLIENT", "SETNAME", f"leader-{caller.node}"),
        ("script|load", "SCRIPT", "LOAD", "return 1"),
        ("evalsha", "EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"),
        *(("hmget", "HMGET", key, "format") for key in keys),
        ("hgetall", "HGETALL", keys[1]),
        *(("hset", "HSET", key, "field", "value", "odd") for key in keys),
        ("hdel", "HDEL", keys[1], ""),
        ("del", "DEL", f"{keys[1]}:nothing"),
        *((name, name.upper(), *arguments) for name, *arguments in _of_the_jobs(caller)),
        ("publish", "PUBLISH", f"{caller.channel}:doctor", ""),
        ("subscribe", "SUBSCRIBE", caller.channel, caller.jobs_channel, caller.heirs_channel),
    ]


def _of_the_jobs(caller: Caller) -> list[tuple[str, ...]]:
    """What the script of `leader once` reads beside."""
    return [("hget", caller.jobs_key, ""), ("hlen", caller.jobs_key), ("hexists", caller.jobs_key, "")]


async def _refusal(link: Link, command: list[str]) -> str:
    """The server's error to this command, if it is one of permissions; else an empty text."""
    try:
        await link.ask(*command)
    except RedisError as error:
        if not is_answer(error):
            raise
        text = text_of(error)
        return text if "NOPERM" in text or "permission" in text else ""
    return ""
