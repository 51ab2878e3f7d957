"""What is wrong with a crontab as a whole: its name, its settings, and entries in each other's way?"""

from collections.abc import Iterator
from pathlib import PurePath

from leader.doctor.cron_sheet import GUARDS, Line, Sheet, write_as
from leader.doctor.cron_shell import Part
from leader.doctor.finding import Finding, Severity
from leader.names import NAME_CHARACTERS

USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SILENT = {"true", ":", "exit", "false", "cd", "}", "mail", "mailx", "sendmail", "logger", "systemd-cat"}


def ignored_name(sheet: Sheet) -> Iterator[Finding]:
    """Rule: a file of cron.d has a name that cron reads."""
    path = PurePath(sheet.name)
    if path.parent.name == "cron.d" and not set(path.name) <= NAME_CHARACTERS - {"."}:
        good = "".join(sign if sign in NAME_CHARACTERS - {"."} else "-" for sign in path.name)
        yield Finding(
            Severity.CRITICAL,
            "crontab-ignored-name",
            f"{sheet.name}: the name has something else than letters, digits, dashes and underscores",
            "cron ignores such a file in cron.d without a word",
            f"rename it: {path.with_name(good)}",
        )


def no_newline(sheet: Sheet) -> Iterator[Finding]:
    """Rule: the last line ends as a line does."""
    if sheet.text and not sheet.text.endswith("\n"):
        number = sheet.text.count("\n") + 1
        yield Finding(
            Severity.CRITICAL,
            "crontab-no-newline",
            f"{sheet.at(number)}: the last line has no newline at its end",
            "cron ignores the whole file, and crontab does not install it",
            "add a newline at the end of the file",
        )


def unexpanded_path(sheet: Sheet) -> Iterator[Finding]:
    """Rule: PATH is written in full."""
    for setting in sheet.crontab.settings:
        if setting.name == "PATH" and "$" in setting.value:
            path = setting.value.replace("${PATH}", USUAL_PATH).replace("$PATH", USUAL_PATH)
            yield Finding(
                Severity.WARNING,
                "crontab-path-unexpanded",
                f"{sheet.at(setting.number)}: PATH has a $",
                "cron expands no variables there, so the folders that it stands for are not searched",
                "write the folders in full" if "$" in path else write_as(setting.number, f"PATH={path}"),
            )


def ignored_zone(sheet: Sheet) -> Iterator[Finding]:
    """Rule: no CRON_TZ where cron does not know it."""
    for setting in sheet.crontab.settings:
        if setting.name == "CRON_TZ" and sheet.host.is_debian:
            yield Finding(
                Severity.WARNING,
                "crontab-zone-ignored",
                f"{sheet.at(setting.number)}: CRON_TZ does nothing here",
                "Debian's cron keeps the machine's own time zone, so nodes in several zones tick apart",
                f"delete line {setting.number}, and write the times in the zone of the machine",
            )


def same_job(sheet: Sheet) -> Iterator[Finding]:
    """Rule: each job has a name of its own."""
    first: dict[str, int] = {}
    for line in sheet.calling:
        for call in line.calls:
            name = call.names[0] if call.command.text == "once" and call.names else None
            if name is None:
                continue
            number = line.entry.number
            earlier = first.setdefault(name.text, number)
            if earlier != number:
                yield Finding(
                    Severity.WARNING,
                    "crontab-same-job",
                    f"{sheet.at(number)}: the job {name.text!r} is also in line {earlier}",
                    "the claim of one refuses the other's start, as if both were one job",
                    line.rewritten(name.start, name.end, f"{name.text}-{number}"),
                )


def unguarded(sheet: Sheet) -> Iterator[Finding]:
    """Rule: where some entries depend on who leads, say of the others that they do not."""
    open_lines = [line for line in sheet.lines if not line.is_guarded]
    if open_lines and len(open_lines) < len(sheet.lines):
        yield Finding(
            Severity.INFO,
            "crontab-unguarded",
            f"{sheet.at(open_lines[0].entry.number)}: {_numbers(open_lines)} without is-leader, run or once",
            "these run on every node, unlike others in the file",
            "leave them if they belong on every node; else put leader is-leader && before the command",
        )


def mailed(sheet: Sheet) -> Iterator[Finding]:
    """Rule: say whose output cron mails."""
    mailing = [line for line in sheet.calling if line.entry.settings.get("MAILTO") != "" and _prints(line)]
    if mailing:
        number = mailing[0].entry.number
        yield Finding(
            Severity.INFO,
            "crontab-mailed",
            f"{sheet.at(number)}: cron mails the output of {_numbers(mailing)}",
            "without a mail system on each node that may lead it is lost",
            f'send it somewhere (>>FILE, | logger), or put this above line {number}: MAILTO=""',
        )


RULES = (ignored_name, no_newline, unexpanded_path, ignored_zone, same_job, unguarded, mailed)
"""Each looks at a file in which something calls `leader`."""


def _numbers(lines: list[Line]) -> str:
    numbers = ", ".join(str(line.entry.number) for line in lines)
    return f"line {numbers}" if len(lines) == 1 else f"lines {numbers}"


def _prints(line: Line) -> bool:
    """Whether a command in it has the output that cron gave it."""
    closing = [part for part in line.parts if part.first in {"", "}"}]
    return not any(map(_is_redirected, closing)) and any(
        part.words and not _is_silent(line, index) for index, part in enumerate(line.parts)
    )


def _is_silent(line: Line, index: int) -> bool:
    part = line.parts[index]
    asks = any(call.index == index and call.command.text == GUARDS[0] for call in line.calls)
    program = part.first.rpartition("/")[2]
    return asks or part.operator == "|" or program in SILENT or _is_redirected(part)


def _is_redirected(part: Part) -> bool:
    return any(redirect.startswith((">", "1>", "&>")) for redirect in part.redirects)
