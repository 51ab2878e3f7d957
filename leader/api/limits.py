"""How much one API server takes on, so that no client harms the agent or another client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds per listening socket, and per connection.

    `pressed_ms` is the idle time after which a connection must make room when there are no more.
    `waiting` is how many may wait for an answer that takes its time, as a claim by `leader once` does.
    `steps` is how much of one connection's input is worked off before others have their turn.
    `discard_bytes` is how much a connection may send that nobody reads any more.
    """

    connections: int = 2000
    streams: int = 1024
    waiting: int = 512
    accepts: int = 16
    steps: int = 64
    idle_ms: int = 30_000
    pressed_ms: int = 1_000
    header_bytes: int = 16_384
    body_bytes: int = 16_384
    stream_bytes: int = 262_144
    discard_bytes: int = 1_048_576
