"""What is the shortest time between two ticks of a schedule? None where that is not plain to see."""

from collections.abc import Iterable
from itertools import pairwise

MINUTE_MS = 60_000
HOUR = 60
DAY = 24 * HOUR
WEEK_DAYS = 7
NAMED = {
    "@hourly": HOUR,
    "@daily": DAY,
    "@midnight": DAY,
    "@weekly": WEEK_DAYS * DAY,
    "@monthly": 28 * DAY,
    "@yearly": 365 * DAY,
    "@annually": 365 * DAY,
}
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = 5


def shortest_period_ms(schedule: str) -> int | None:
    """The shortest period of the five fields, or of a name such as `@daily`."""
    if schedule.startswith("@"):
        minutes = NAMED.get(schedule)
    else:
        fields = schedule.split()
        minutes = _of_fields(fields) if len(fields) == FIELDS else None
    return None if minutes is None else minutes * MINUTE_MS


def _of_fields(fields: list[str]) -> int | None:
    minutes, hours = _values(fields[0], 0, 59), _values(fields[1], 0, 23)
    if not minutes or not hours:
        return None
    times = sorted({hour * HOUR + minute for hour in hours for minute in minutes})
    within = [later - earlier for earlier, later in pairwise(times)]
    days = _days_between(*fields[2:])
    over_night = [] if days is None else [days * DAY + times[0] - times[-1]]
    return min(within + over_night, default=None)


def _days_between(of_month: str, month: str, of_week: str) -> int | None:
    """The least number of days from one day with ticks to the next; None where the month has a say."""
    if of_month != "*" or month != "*":
        return None
    days = sorted({day % WEEK_DAYS for day in _values(of_week.lower(), 0, 7)})
    if not days:
        return None
    return min(later - earlier for earlier, later in zip(days, [*days[1:], days[0] + WEEK_DAYS], strict=True))


def _values(field: str, lowest: int, highest: int) -> set[int]:
    """What a field allows; nothing where one of its parts has a form that is not known."""
    parts = [_part(part, lowest, highest) for part in field.split(",")]
    return set[int]().union(*parts) if all(parts) else set()


def _part(text: str, lowest: int, highest: int) -> Iterable[int]:
    span, has_step, step = text.partition("/")
    first, is_range, last = (str(lowest), "-", str(highest)) if span == "*" else span.partition("-")
    begin, end, every = _number(first), _number(last if is_range else first), _number(step or "1")
    if begin is None or end is None or not every or (has_step and not (step and is_range)):
        return ()
    return range(begin, end + 1, every) if lowest <= begin <= end <= highest else ()


def _number(text: str) -> int | None:
    if text in DAY_NAMES:
        return DAY_NAMES.index(text)
    return int(text) if text.isascii() and text.isdigit() and len(text) < FIELDS else None
