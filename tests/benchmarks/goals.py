"""What a benchmark has to reach, said beside what it measured, and recorded as a row of one figure."""

from tests.benchmarks.rows import OWN, Figure, Row, exit_code, part, record

__all__ = ["exit_code", "judge", "judge_least"]


def judge(what: str, measured: float, most: float, unit: str) -> str:
    """The goal in words, and whether the measured value reaches it; a missed one is remembered."""
    figure = Figure("", measured, unit, most=most)
    record(Row(part(), what, OWN, (figure,)))
    return f"goal at most {most:g} {unit}: {'reached' if figure.reached else 'MISSED'}"


def judge_least(what: str, measured: float, least: float, unit: str) -> str:
    """The same for what is to be at least so much."""
    figure = Figure("", measured, unit, least=least)
    record(Row(part(), what, OWN, (figure,)))
    return f"goal at least {least:,g} {unit}: {'reached' if figure.reached else 'MISSED'}"
