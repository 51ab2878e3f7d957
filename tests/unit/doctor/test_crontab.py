"""What is said of crontabs: each rule with a text that breaks it and one that does not."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leader.doctor.crontab import examine, examine_file
from leader.doctor.finding import Finding, Severity
from leader.errors import UsageError
from tests.unit.doctor.crontab_cases import BARE, CASES, EVERY, HOST, PROGRAM, Case

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


def with_remedy(text: str, finding: Finding) -> str:
    """The text with the corrected line that a remedy gives."""
    place, _, corrected = finding.remedy.partition(" as: ")
    lines = text.split("\n")
    lines[int(place.split()[-1]) - 1] = corrected
    return "\n".join(lines)


def test_remedies_of_one_line_mend_it_one_after_another() -> None:
    """Whoever asks again after each corrected line ends with a line that is right in all."""
    text = "*/5 * * * * leader is-leader; date +%F && leader once a --gap 1h -- b; c; leader run -- d >x\n"
    for _ in range(7):
        lines = [each for each in examine("stdin", text, (), BARE) if " as: " in each.remedy]
        if not lines:
            break
        text = with_remedy(text, lines[-1])
    leader = PROGRAM
    assert text == (
        f"*/5 * * * * {leader} is-leader && {{ date +\\%F && {leader} once a --gap 3m45s -- b;"
        f" c; {leader} run --timeout 10s -- d >x; }}\n"
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_corrected_line_of_a_remedy_mends_it(case: Case) -> None:
    """A remedy that is a line puts an end to its finding, and brings no other."""
    (finding,) = found(case, case.broken)
    if " as: " not in finding.remedy:
        assert case.code in WITHOUT_LINE
        return
    mended = examine(case.name, with_remedy(case.broken, finding), case.elections, case.host)
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


def test_what_only_debian_does_is_found_there_only() -> None:
    """Other crons know CRON_TZ, and have bounds of their own."""
    text = "CRON_TZ=UTC\n" + EVERY + "leader is-leader && job " + "x" * 999 + "\n"
    elsewhere = replace(HOST, is_debian=False)
    assert {each.code for each in examine("stdin", text, (), elsewhere)} == {"crontab-mailed"}


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
