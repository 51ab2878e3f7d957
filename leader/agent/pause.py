"""The pause of this node: kept in the state directory, so that a restart does not end it.

It ends at a moment of the wall clock, since it is to go on over reboots, which the boot clock does not: a
pause is what an operator wants, and nothing that safety hangs on. One that cannot be read stops the agent
from starting: a node that was to be kept from leading must not lead because of a torn file.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from leader import clock
from leader.errors import ConfigurationError
from leader.files import remove_durably, replace
from leader.protocol.snapshot import PauseView

FILE = "pause.json"


@dataclass(frozen=True, slots=True)
class Pause:
    """Why, by whom, since when and until when, in wall-clock milliseconds; None: until it is resumed."""

    reason: str
    by: str
    since_ms: int
    until_ms: int | None

    @property
    def left_ms(self) -> int | None:
        """How much of it is left; None if it has no end of its own."""
        return None if self.until_ms is None else max(0, self.until_ms - clock.wall_ms())

    @property
    def is_over(self) -> bool:
        """Whether its time has come."""
        return self.left_ms == 0

    @property
    def sentence(self) -> str:
        """It in words, to stand behind `paused`."""
        until = "" if self.until_ms is None else f" until {clock.utc_iso(self.until_ms)}"
        return f"by {self.by}{until}" + (f": {self.reason}" if self.reason else "")

    def view(self) -> PauseView:
        """It as it is shown now."""
        return PauseView(self.reason, self.by, clock.utc_iso(self.since_ms), self.left_ms)


class PauseStore:
    """The file in the state directory, whose lock the caller has."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE

    def load(self) -> Pause | None:
        """The pause that a process before this one has kept; its time may be over.

        Raises:
            ConfigurationError: there is one that cannot be read.
        """
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            until_ms = values["until_ms"]
            return Pause(
                str(values["reason"]),
                str(values["by"]),
                int(values["since_ms"]),
                None if until_ms is None else int(until_ms),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{self._path} cannot be read ({error}): it keeps this node from leading; remove it, and "
                "pause the node anew with `leader pause` if it is not to lead"
            ) from error

    def save(self, pause: Pause) -> None:
        """Keep it, durably.

        Raises:
            OSError: that failed; what was kept before still is.
        """
        replace(self._path, json.dumps(asdict(pause)), durably=True)

    def remove(self) -> None:
        """Keep none any more, durably.

        Raises:
            OSError: that failed.
        """
        remove_durably(self._path)
