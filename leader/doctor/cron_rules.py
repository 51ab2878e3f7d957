"""What is wrong with the lines of a crontab that call `leader`, each by itself?"""

from collections.abc import Iterator

from leader.doctor.cron_schedule import shortest_period_ms
from leader.doctor.cron_sheet import DEFAULT_PATH, Line, Sheet, write_as
from leader.doctor.cron_shell import WITH_VALUE, Call, Part
from leader.doctor.finding import Finding, Severity
from leader.durations import format_duration, parse_duration_ms

LONGEST_COMMAND = 998
CONDITIONS = {"if", "elif", "while", "until", "!", "then", "else", "do"}
COMPOUND = {"if", "for", "while", "until", "case"}
HARMLESS = {"true", ":", "exit", "false", "}"}


def not_found(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: `leader` is where cron looks for it."""
    path = line.entry.settings.get("PATH", DEFAULT_PATH)
    lost = [call.program for call in line.calls if not sheet.host.finds(call.program.text, path)]
    if not lost:
        return
    corrected = line.entry.line
    for program in reversed(lost):
        corrected = corrected[: program.start] + sheet.host.program + corrected[program.end :]
    yield Finding(
        Severity.CRITICAL,
        "crontab-not-found",
        f"{sheet.at(line.entry.number)}: cron does not find {lost[0].text} (its PATH is {path})",
        "the shell ends with 127 on every node, so the job runs nowhere",
        write_as(line.entry.number, corrected) if sheet.host.program else "name leader by its full path",
    )


def bare_percent(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: no bare `%` in a command."""
    if line.entry.end < len(line.entry.line):
        yield Finding(
            Severity.CRITICAL,
            "crontab-percent",
            f"{sheet.at(line.entry.number)}: the command has a % with no backslash before it",
            "cron ends the command there, and gives what follows to its standard input",
            write_as(line.entry.number, line.entry.command_with_percents_kept),
        )


def unbounded_run(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: `leader run` waits to lead for a bounded time, where it is started again and again."""
    for call in line.calls if line.entry.schedule != "@reboot" else ():
        if call.command.text == "run" and "--timeout" not in call.options:
            yield Finding(
                Severity.WARNING,
                "crontab-run-unbounded",
                f"{sheet.at(line.entry.number)}: leader run has no --timeout",
                "where the node does not lead it waits without end, and each tick adds a process that waits",
                line.rewritten(call.command.end, call.command.end, " --timeout 10s"),
            )


def not_joined(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: what stands behind `is-leader` depends on it."""
    for call, part in _questions(line):
        behind = line.parts[call.index + 1 :]
        words = [word.text for other in behind[:2] for word in other.words]
        if part.operator in {";", "|", "&"} and words and not any("$?" in word for word in words):
            end = part.operator_at + len(part.operator)
            yield Finding(
                Severity.CRITICAL,
                "crontab-guard-not-joined",
                f"{sheet.at(line.entry.number)}: {part.operator} stands behind leader is-leader, not &&",
                "what follows runs on every node, whoever leads",
                line.rewritten(part.operator_at, end, _joint(line, part)),
            )


def ends_early(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: all that stands behind `is-leader &&` depends on it."""
    for call, part in _questions(line):
        last = _last_guarded(line, call) if part.operator == "&&" else None
        if last is not None:
            start = part.operator_at + len(part.operator)
            tail = line.entry.line[start:].strip()
            closed = tail if tail.endswith((";", "&")) else f"{tail};"
            yield Finding(
                Severity.CRITICAL,
                "crontab-guard-ends",
                f"{sheet.at(line.entry.number)}: leader is-leader && reaches to the {last.operator} only",
                f"what stands behind the {last.operator} runs also on nodes that do not lead",
                line.rewritten(start, len(line.entry.line), f" {{ {closed} }}"),
            )


def long_gap(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: the gap of `leader once` is less than the period of its schedule."""
    period_ms = shortest_period_ms(line.entry.schedule)
    for call in line.calls:
        gap_ms = _gap_ms(call) if call.command.text == "once" else None
        if period_ms is None or gap_ms is None or gap_ms < period_ms:
            continue
        said = call.options["--gap"]
        yield Finding(
            Severity.CRITICAL,
            "crontab-gap",
            f"{sheet.at(line.entry.number)}: --gap {said.value} is not less than the schedule's "
            f"shortest period, {format_duration(period_ms)}",
            "a claim refuses further starts for so long, so ticks are left out",
            line.rewritten(said.start, said.end, f"--gap {format_duration(period_ms * 3 // 4)}"),
        )


def unknown_election(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: the election is one of those that the configuration names."""
    for call in line.calls:
        is_asked = call.command.text in WITH_VALUE and not set("$`") & set(call.election)
        if is_asked and sheet.elections and call.election not in sheet.elections:
            yield Finding(
                Severity.CRITICAL,
                "crontab-election",
                f"{sheet.at(line.entry.number)}: there is no election {call.election!r}",
                f"leader {call.command.text} ends with 2 on every node, so the job runs nowhere",
                f"name one of these instead: {', '.join(sorted(sheet.elections))}",
            )


def user_field(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: where entries have a user, this one has, and the user exists."""
    entry = line.entry
    if line.lacks_user:
        yield Finding(
            Severity.CRITICAL,
            "crontab-user-missing",
            f"{sheet.at(entry.number)}: the field of the user is not there",
            "cron takes the sixth field for the user, and ignores the whole file",
            line.rewritten(entry.start, entry.start, "root "),
        )
    elif entry.user and not sheet.host.is_user(entry.user):
        end = entry.user_at + len(entry.user)
        yield Finding(
            Severity.CRITICAL,
            "crontab-user-unknown",
            f"{sheet.at(entry.number)}: this machine has no user {entry.user!r}",
            "cron ignores the whole file",
            f"add the user, or {line.rewritten(entry.user_at, end, 'root')}",
        )


def extra_user(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: where entries have no user, there is none before `leader`."""
    words, entry = line.parts[0].words, line.entry
    programs = [call.program for call in line.calls]
    if sheet.has_users or words[1:2] != programs[:1] or not programs or not sheet.host.is_user(words[0].text):
        return
    yield Finding(
        Severity.CRITICAL,
        "crontab-user-extra",
        f"{sheet.at(entry.number)}: the user {words[0].text} stands before the command",
        "in the crontab of a user there is no such field, so the shell looks for a command of that name",
        line.rewritten(words[0].start, words[1].start, ""),
    )


def too_long(sheet: Sheet, line: Line) -> Iterator[Finding]:
    """Rule: the command is one that cron can take."""
    length = len(line.entry.line[line.entry.start :].encode(errors="replace"))
    if sheet.host.is_debian and length > LONGEST_COMMAND:
        yield Finding(
            Severity.CRITICAL,
            "crontab-too-long",
            f"{sheet.at(line.entry.number)}: the command has {length} bytes, more than {LONGEST_COMMAND}",
            "cron ignores the whole file, and crontab does not install it",
            "put the command into a script, and name that",
        )


RULES = (
    not_found,
    bare_percent,
    unbounded_run,
    not_joined,
    ends_early,
    long_gap,
    unknown_election,
)
"""Each looks at one entry that calls `leader`."""

RULES_FOR_ALL = (user_field, extra_user, too_long)
"""Each looks at one entry, whatever it starts: what breaks these can stop all entries of the file."""


def _questions(line: Line) -> Iterator[tuple[Call, Part]]:
    """The calls of `is-leader` that are no condition of a longer construct."""
    for call in line.calls:
        if call.command.text == "is-leader" and not CONDITIONS & set(call.before):
            yield call, line.parts[call.index]


def _joint(line: Line, part: Part) -> str:
    before = line.entry.line[part.operator_at - 1 : part.operator_at]
    return "&&" if before.isspace() else " &&"


def _last_guarded(line: Line, call: Call) -> Part | None:
    """The simple command after which the reach of `is-leader &&` ends although more follows."""
    depth = line.parts[call.index].depth
    for index in range(call.index + 1, len(line.parts) - 1):
        part, behind = line.parts[index], line.parts[index + 1]
        is_asked_anew = index in line.calling and any(word.text == "is-leader" for word in part.words)
        if part.depth < depth or part.first in COMPOUND or is_asked_anew:
            return None
        if part.depth == depth and part.operator in {";", "&", "||", "\n"}:
            is_more = bool(behind.words) or behind.operator == "("
            return (
                part if is_more and behind.first not in HARMLESS and index + 1 not in line.calling else None
            )
    return None


def _gap_ms(call: Call) -> int | None:
    """What the call says or means; None for what is no duration."""
    said = call.options.get("--gap")
    try:
        return parse_duration_ms(said.value) if said else None
    except ValueError:
        return None
