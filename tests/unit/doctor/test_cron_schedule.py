"""The shortest time between two ticks of a schedule, as far as it is plain."""

import pytest

from leader.doctor.cron_schedule import shortest_period_ms


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        ("* * * * *", 1),
        ("*/7 * * * *", 4),
        ("0-30/10 * * * *", 10),
        ("5 * * * *", 60),
        ("0 6 * * *", 1440),
        ("50 23,0 * * *", 60),
        ("0 6 * * mon", 7 * 1440),
        ("0 6 * * 1-5", 1440),
        ("0 6 * * 0,7", 7 * 1440),
        ("0 6 * * 1,4", 3 * 1440),
        ("0,30 6 1 * *", 30),
        ("@weekly", 7 * 1440),
        ("@reboot", None),
        ("0 6 1 * *", None),
        ("1-x * * * *", None),
        ("70 * * * *", None),
        ("*/0 * * * *", None),
        ("5/2 * * * *", None),
        ("* * * *", None),
    ],
)
def test_the_shortest_period_of_a_schedule(schedule: str, minutes: int | None) -> None:
    """The least time between two ticks, over hours and nights; nothing where that is not plain."""
    assert shortest_period_ms(schedule) == (None if minutes is None else minutes * 60_000)
