"""What is said of crontabs: each rule with a text that breaks it and one that does not."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leader.doctor.cron_sheet import Host
from leader.doctor.crontab import examine, examine_file
from leader.doctor.finding import Finding, Severity
from leader.errors import UsageError

PROGRAM = "/opt/leader/bin/leader"
FOLDERS = {"/usr/bin", "/usr/local/bin"}
USERS = {"root", "www-data"}


def finds(program: str, path: str) -> bool:
    """A machine with `leader` and `job` in two folders."""
    if "/" in program:
        return program == PROGRAM or program.rpartition("/")[0] in FOLDERS
    return program in {"leader", "job"} and bool(FOLDERS & set(path.split(":")))


HOST = Host(finds, USERS.__contains__, PROGRAM, is_debian=True)
BARE = Host(
    lambda program, path: program == PROGRAM or "/usr/local/bin" in path, *(USERS.__contains__, PROGRAM, True)
)
"""The same machine without `leader` in the folders that cron searches by itself."""


@dataclass(frozen=True)
class Case:
    """A rule, a text that breaks it, and one that comes near and keeps it."""

    code: str
    broken: str
    sound: str
    name: str = "stdin"
    host: Host = HOST
    elections: tuple[str, ...] = ()


EVERY = "* * * * * "
CASES = [
    Case(
        "not-found", EVERY + "leader is-leader && job\n", EVERY + f"{PROGRAM} is-leader && job\n", host=BARE
    ),
    Case(
        "not-found",
        EVERY + "leader is-leader && leader run --timeout 9s -- job\nPATH=/usr/local/bin\n",
        'PATH = "/usr/local/bin:/bin"\n' + EVERY + "leader is-leader && leader run --timeout 9s -- job\n",
        host=BARE,
    ),
    Case(
        "not-found", EVERY + "/gone/leader is-leader && job\n", EVERY + "/usr/bin/leader is-leader && job\n"
    ),
    Case(
        "percent",
        EVERY + "leader is-leader && job $(date +%F)\n",
        EVERY + r"leader is-leader && job +\%F" + "\n",
    ),
    Case(
        "percent",
        EVERY + "job '%F' && leader is-leader && job\n",
        EVERY + "date +%F; x\n@daily leader jobs\n",
    ),
    Case(
        "run-unbounded", EVERY + "leader run -- job --timeout 1\n", EVERY + "leader run --timeout=5s -- job\n"
    ),
    Case("guard-not-joined", EVERY + "leader is-leader; job\n", EVERY + "leader is-leader && job\n"),
    Case("guard-not-joined", EVERY + "leader is-leader|job\n", EVERY + "leader is-leader || exit 0; job\n"),
    Case(
        "guard-not-joined",
        EVERY + "leader is-leader batch --for 9s & job\n",
        EVERY + "if leader is-leader; then job; fi\n",
    ),
    Case(
        "guard-not-joined", EVERY + "leader is-leader; job\n", EVERY + "leader is-leader; [ $? = 0 ] && job\n"
    ),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && job; job2\n",
        EVERY + "leader is-leader && { job; job2; }\n",
    ),
    Case(
        "guard-ends", EVERY + "leader is-leader && (a; b); c\n", EVERY + "leader is-leader && (a; b) | c;\n"
    ),
    Case("guard-ends", EVERY + "leader is-leader && a || b &\n", EVERY + "leader is-leader && a || true\n"),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && a & b\n",
        EVERY + "leader is-leader && find -exec a {} \\;\n",
    ),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && echo 'a;b' ; b\n",
        EVERY + "leader is-leader && echo 'a;b' \";\" && b; leader is-leader x && c\n",
    ),
    Case("gap", "*/5 * * * * leader once a --gap 5m -- job\n", "*/5 * * * * leader once a --gap 4m -- job\n"),
    Case("gap", "@hourly leader once a --gap=2h -- job\n", "@reboot leader once a --gap=2h -- job\n"),
    Case("gap", "0,10 6 * * * leader once a --gap 15m -- job\n", "0 6 1 * * leader once a --gap 2d -- job\n"),
    Case(
        "same-job",
        EVERY + "leader once a -- job\n@daily leader once --gap 1m a -- job2\n",
        EVERY + "leader once a -- job\n@daily leader once b -- leader once a\n",
    ),
    Case(
        "election",
        EVERY + "leader once a --election batsh -- job\n",
        EVERY + "leader once a -- job\n" + EVERY + "leader is-leader batch && leader status --timeout 2s\n",
        elections=("batch", "default"),
    ),
    Case(
        "election",
        EVERY + "leader is-leader x && job\n",
        EVERY + "leader is-leader $X\n",
        elections=("batch",),
    ),
    Case(
        "election", EVERY + "leader run -- job\n", EVERY + "leader run batch -- job\n", elections=("batch",)
    ),
    Case(
        "zone-ignored", "CRON_TZ=UTC\n@daily leader once a -- job\n", "TZ=UTC\n@daily leader once a -- job\n"
    ),
    Case("no-newline", EVERY + "leader is-leader && job", EVERY + "leader is-leader && job\n"),
    Case(
        "path-unexpanded",
        "PATH=$PATH:/usr/local/bin\n" + EVERY + "leader is-leader && job\n",
        "PATH=/usr/bin:/bin\nX=$PATH\n" + EVERY + "leader is-leader && job\n",
    ),
    Case(
        "unguarded",
        EVERY + "leader is-leader && job\n\t@daily\tjob2\n",
        EVERY + "leader is-leader && job\n# @daily job2\n\n  \n@daily leader once a -- job2\n",
    ),
    Case("mailed", EVERY + "leader is-leader && job\n", EVERY + "leader is-leader && job >/dev/null 2>&1\n"),
    Case(
        "mailed", EVERY + "leader is-leader && job 2>x\n", "MAILTO=\n" + EVERY + "leader is-leader && job\n"
    ),
    Case(
        "mailed",
        "MAILTO=me\n" + EVERY + "leader run job\n",
        EVERY + "leader is-leader && job | mail -s x me\n",
    ),
    Case("mailed", EVERY + "leader is-leader && { a; }\n", EVERY + "leader is-leader && { a; b; } >>log\n"),
    Case(
        "user-missing",
        EVERY + "leader is-leader && job\n",
        EVERY + "root leader is-leader && job\n",
        name="/etc/cron.d/jobs",
    ),
    Case(
        "user-missing",
        EVERY + "/usr/bin/leader is-leader && job\n",
        "\t*/5 * * * *\twww-data\tleader is-leader && job\n",
        name="/etc/crontab",
    ),
    Case(
        "user-missing",
        EVERY + "root leader is-leader && job\n@daily job -x\n",
        EVERY + "root leader is-leader && job\n@daily root job -x\n",
        name="/etc/crontab",
    ),
    Case("user-extra", EVERY + "root leader is-leader && job\n", EVERY + "job leader is-leader && job\n"),
    Case(
        "too-long",
        EVERY + "leader is-leader && job\n@daily " + "x" * 999 + "\n",
        EVERY + "leader is-leader && job\n@daily " + "x" * 998 + "\n",
    ),
    Case(
        "user-unknown",
        EVERY + "www-dta leader is-leader && job\n",
        EVERY + "www-data leader is-leader && job\n",
        name="/etc/cron.d/jobs",
    ),
    Case(
        "user-missing",
        EVERY + "root leader is-leader && a\n" + EVERY + "job && leader is-leader && b\n",
        EVERY + "leader is-leader && a\n" + EVERY + "job && leader is-leader && b\n",
        name="jobs",
    ),
]

WITHOUT_LINE = {"election", "zone-ignored", "no-newline", "unguarded", "mailed", "too-long"}


def found(case: Case, text: str) -> list[Finding]:
    """What the rule of a case says of a text."""
    all_found = examine(case.name, text, case.elections, case.host)
    return [finding for finding in all_found if finding.code == f"crontab-{case.code}"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_breaks_a_rule_is_found_where_it_stands(case: Case) -> None:
    """The finding names the file and the line, and says why it matters and what to do."""
    (finding,) = found(case, case.broken)
    place, _, seen = finding.what.partition(": ")
    number = int(place.removeprefix(f"{case.name}:"))
    assert 1 <= number <= case.broken.count("\n") + 1
    assert seen
    assert finding.why
    assert finding.remedy


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_keeps_a_rule_is_not_found(case: Case) -> None:
    """A text that comes near, and is right, is left alone by that rule."""
    assert found(case, case.sound) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_corrected_line_of_a_remedy_mends_it(case: Case) -> None:
    """A remedy that is a line puts an end to its finding, and brings no other."""
    (finding,) = found(case, case.broken)
    _, is_line, corrected = finding.remedy.partition(" as: ")
    if not is_line:
        assert case.code in WITHOUT_LINE
        return
    number = int(finding.remedy.split("write line ")[1].split()[0])
    lines = case.broken.split("\n")
    lines[number - 1] = corrected
    mended = examine(case.name, "\n".join(lines), case.elections, case.host)
    assert f"crontab-{case.code}" not in {each.code for each in mended}
    before = examine(case.name, case.broken, case.elections, case.host)
    assert {each.code for each in mended} <= {each.code for each in before}


def test_how_bad_a_finding_is_follows_what_it_does() -> None:
    """What makes a job run nowhere or everywhere is critical; what is only good to know is information."""
    text = EVERY + "leader is-leader; job\n" + EVERY + "leader run -- job >x\n@daily job\n"
    severities = {finding.code: finding.severity for finding in examine("stdin", text, (), HOST)}
    assert severities == {
        "crontab-guard-not-joined": Severity.CRITICAL,
        "crontab-run-unbounded": Severity.WARNING,
        "crontab-unguarded": Severity.INFO,
        "crontab-mailed": Severity.INFO,
    }


def test_a_crontab_without_leader_is_no_business_of_ours() -> None:
    """Nothing is said of a file in which nothing calls leader, whatever is wrong with it."""
    assert examine("/etc/cron.d/a.b", "PATH=$PATH\nCRON_TZ=x\n* * * * * job %", ("a",), HOST) == []


@pytest.mark.parametrize(("name", "is_ignored"), [("jobs.cron", True), ("jobs~", True), ("jobs_1-A", False)])
def test_a_name_that_cron_ignores_is_found(tmp_path: Path, name: str, *, is_ignored: bool) -> None:
    """In cron.d a dot in the name makes the file ineffective; the remedy's name does not."""
    path = tmp_path / "cron.d" / name
    path.parent.mkdir()
    path.write_text(EVERY + "root leader is-leader && job\n")
    remedies = [each.remedy for each in examine_file(str(path), ()) if each.code == "crontab-ignored-name"]
    assert len(remedies) == is_ignored
    for remedy in remedies:
        better = path.rename(remedy.removeprefix("rename it: "))
        assert "crontab-ignored-name" not in {each.code for each in examine_file(str(better), ())}


def test_a_dash_means_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of `crontab -l` can be handed over, with bytes that are no text."""
    content = io.BytesIO(b"# \xff\n* * * * * leader is-leader; job\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    places = {each.code: each.what.split(": ")[0] for each in examine_file("-", ())}
    assert places["crontab-guard-not-joined"] == "stdin:2"


@pytest.mark.parametrize("path", ["nowhere", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_a_wrong_call(path: str) -> None:
    """One sentence says which file and why."""
    with pytest.raises(UsageError, match=r"the crontab .* cannot be read \(.+\)"):
        examine_file(path, ())


VOCABULARY = """
    * */5 1-3 @daily @reboot leader /x/leader is-leader run once job root --gap 1m --gap= -- --election
    --timeout PATH= MAILTO CRON_TZ=x $PATH % && || ; | & ( ) { } > 2>&1 ' " \\ # =
"""
PIECES = st.sampled_from([*VOCABULARY.split(), "\0", "\n", "\t"])
LIKELY = st.lists(PIECES, max_size=30).map(lambda pieces: "* * * * * leader " + " ".join(pieces))


@settings(max_examples=150, deadline=None)
@given(text=st.text() | LIKELY, name=st.sampled_from(["stdin", "/etc/crontab", "/etc/cron.d/a.b", "x"]))
def test_no_text_is_too_odd(text: str, name: str) -> None:
    """Whatever a file has in it, the rules get through it, and what they say is whole."""
    for finding in examine(name, text, ("default",), HOST):
        assert all((finding.code.startswith("crontab-"), finding.what, finding.why, finding.remedy))


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        '"',
        "\\",
        "a",
        "a ",
        ";",
        "(",
        "{ ",
        "%",
        "1>",
        "leader is-leader && ",
        "; leader is-leader; a",
        "=",
        "\0",
        '"\\" ',
    ],
)
def test_a_very_long_line_is_read(piece: str) -> None:
    """A line of a hundred thousand characters, of any kind, has its findings as a short one has."""
    long = EVERY + "leader run -- job " + piece * (100_000 // len(piece)) + "\n"
    assert "crontab-run-unbounded" in {each.code for each in examine("stdin", long, (), HOST)}
