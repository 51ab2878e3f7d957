"""How much one API server takes on, so that no client harms the agent or another client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds per listening socket, and per connection.

    `pressed_ms` is the idle time after which a connection may have to make room when there are no more.
    `waiting` is how many may wait for an answer that takes its time, as a claim by `leader once` does. Of
    those places and of streams, one party without rights may have one in `guests`, all one in `all_guests`.
    `turn_ms` is how long connections are accepted and requests worked off in one round of the event loop,
    `steps` how much of one connection's input is before others have their turn.
    `read_bytes` is how much of that is read at once, `sent_bytes` what the kernel keeps of the answers to one
    client, `unread_bytes` what else all clients together may leave unread, and `discard_bytes` how much a
    connection may send that nobody reads any more.
    """

    connections: int = 2000
    streams: int = 1024
    waiting: int = 512
    guests: int = 8
    all_guests: int = 2
    turn_ms: int = 1
    steps: int = 16
    idle_ms: int = 30_000
    pressed_ms: int = 20
    header_bytes: int = 16_384
    body_bytes: int = 16_384
    read_bytes: int = 16_384
    sent_bytes: int = 32_768
    unread_bytes: int = 33_554_432
    stream_bytes: int = 262_144
    discard_bytes: int = 1_048_576
