"""What a benchmark has to reach, said beside what it measured."""

_missed: list[str] = []


def judge(what: str, measured: float, most: float, unit: str) -> str:
    """The goal in words, and whether the measured value reaches it; a missed one is remembered."""
    if measured <= most:
        return f"goal at most {most:g} {unit}: reached"
    _missed.append(what)
    return f"goal at most {most:g} {unit}: MISSED"


def judge_least(what: str, measured: float, least: float, unit: str) -> str:
    """The same for what is to be at least so much."""
    if measured >= least:
        return f"goal at least {least:,g} {unit}: reached"
    _missed.append(what)
    return f"goal at least {least:,g} {unit}: MISSED"


def exit_code() -> int:
    """1 if a goal was missed in this process."""
    return 1 if _missed else 0
