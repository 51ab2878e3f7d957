"""Calls become the script's arguments, and its reply becomes values, whatever it says."""

import pytest

from leader.instances.wire import (
    REMOVE_REGISTRATION,
    Caller,
    CarriedOut,
    RefusedBeat,
    decode,
    decode_announcement,
    decode_notice,
    encode,
    encode_announcement,
    stamp_of,
)
from leader.protocol.calls import (
    Announcement,
    Call,
    Configuration,
    Notice,
    Observe,
    Operation,
    Release,
    Renew,
    Resume,
    Take,
    Verdict,
)
from leader.protocol.record import LARGEST_TERM, Holder, Record, State, Version

CALLER = Caller("prod", "n1", 3, Configuration(2, "f" * 16, 10_000, "e" * 16, 5000))
HOLDER = Holder("n1", "abc", 7)
RECORD = ["1", "run:repl", "4", "x1", "held", "9", "n1:abc:7", "10000", ""]


def call(operation: Operation, election: str = "default") -> Call:
    """A call with a nonce that can be recognised."""
    return Call(election, "x1", 6, operation)


def reply(*answers: list[str], **parts: object) -> list[object]:
    """A reply as the script gives it; `parts` take the place of its own."""
    usual: dict[str, object] = {
        "format": "1", "eligibility": "ok", "process": "run:repl", "wall_ms": "1700000000000",
        "configuration": [], "answers": list(answers),
    }  # fmt: skip
    return list((usual | parts).values())


def test_keys_and_arguments_stand_as_the_script_documents_them() -> None:
    """Configuration, the registry's two parts, one record per election; then the caller's own."""
    keys, arguments = encode(CALLER, [call(Observe(), "x")], "about me")
    assert keys == [
        "leader:prod:configuration",
        "leader:prod:nodes",
        "leader:prod:about",
        "leader:prod:election:x",
    ]
    assert arguments[:9] == [
        "1", "leader:prod:3", "2", "f" * 16, "e" * 16 + ":5000", "10000", "n1", "about me",
        stamp_of("about me"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Observe(), ["observe", "4", "x1", "6", "", "", "0", ""]),
        (Take(Version(4, "y"), HOLDER, 10_000), ["take", "4", "x1", "6", "4:y", "n1:abc:7", "10000", ""]),
        (
            Take(Version(4, "y"), HOLDER, 10_000, released=True, sitting=True, updates=True),
            ["take", "4", "x1", "6", "4:y", "n1:abc:7", "10000", "released,sitting,updates"],
        ),
        (Renew(HOLDER, 10_000), ["renew", "4", "x1", "6", "", "n1:abc:7", "10000", ""]),
        (Resume(HOLDER, "def", 10_000), ["resume", "4", "x1", "6", "", "n1:abc:7", "10000", "def"]),
        (Release(HOLDER), ["release", "4", "x1", "6", "", "n1:abc:7", "0", ""]),
        (Release(HOLDER, "n2"), ["release", "4", "x1", "6", "", "n1:abc:7", "0", "n2"]),
    ],
)
def test_each_operation_has_its_eight_arguments(operation: Operation, expected: list[str]) -> None:
    """In the order that the script documents."""
    _, arguments = encode(CALLER, [call(operation)], "")
    assert arguments[9:] == expected


def test_two_calls_on_one_election_share_its_key() -> None:
    """Each names the key by its place."""
    keys, arguments = encode(CALLER, [call(Observe(), "x"), call(Observe(), "y"), call(Observe(), "x")], "")
    assert len(keys) == 5
    assert arguments[10::8] == ["4", "5", "4"]


def test_a_reply_is_read_back_whole() -> None:
    """Record, configuration, clock and process."""
    raw = reply(
        ["observed", *RECORD],
        configuration=["2", "f" * 16, "", "10000", "n2"],
    )
    outcome = decode(raw, [call(Observe())])
    assert isinstance(outcome, CarriedOut)
    assert outcome.reply.configuration == Configuration(2, "f" * 16, 10_000)
    assert outcome.reply.configured_by == "n2"
    assert outcome.reply.answers[0].verdict is Verdict.OBSERVED
    assert outcome.reply.answers[0].record == Record(
        "run:repl", Version(4, "x1"), State.HELD, 9, HOLDER, 10_000
    )


def test_another_text_has_another_stamp_and_a_farewell_has_none() -> None:
    """So whoever knows a stamp need not read the text again, and who has left is seen to."""
    assert stamp_of("a") == stamp_of("a") != stamp_of("b")
    assert stamp_of(REMOVE_REGISTRATION) == stamp_of("") == ""


def test_an_instance_that_cannot_vote_answers_with_no_record() -> None:
    """Its word is handed on."""
    assert decode(reply(eligibility="replica"), [call(Observe())]) == RefusedBeat("replica")


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"OK",
        [],
        ["1", "ok"],
        reply(["observed", *RECORD], wall_ms="soon"),
        reply(["observed", *RECORD[:-1]]),
        reply(["unheard-of", *RECORD]),
        reply(["observed", *RECORD[:4], "asleep", *RECORD[5:]]),
        reply(["observed", *RECORD[:6], "nobody", *RECORD[7:]]),
        reply(["observed", *RECORD], ["observed", *RECORD]),
        reply(),
        reply(["granted", *RECORD[:3], "another-nonce", *RECORD[4:]]),
    ],
)
def test_what_is_no_reply_to_these_calls_is_refused(raw: object) -> None:
    """Also one that grants somebody else's call: a grant echoes the nonce (rule R8)."""
    with pytest.raises(ValueError):  # noqa: PT011  of any part of it
        decode(raw, [call(Observe())])


def test_a_notice_holds_the_whole_record() -> None:
    """Terms up to 2^53 - 1 are exact."""
    fields = ["default", *RECORD[:5], str(LARGEST_TERM), *RECORD[6:]]
    record = Record("run:repl", Version(4, "x1"), State.HELD, LARGEST_TERM, HOLDER, 10_000)
    assert decode_notice(fields) == Notice("default", record)


@pytest.mark.parametrize("values", [None, {}, [], ["default"], ["default", *RECORD, "more"], ["d", 1, 2]])
def test_what_is_no_notice_is_refused(values: object) -> None:
    """Anybody may publish on a channel."""
    with pytest.raises(ValueError):  # noqa: PT011  of any part of it
        decode_notice(values)


@pytest.mark.parametrize("heirs", [{}, {"default": "b"}, {"default": "b", "reports": "c"}])
def test_an_announcement_is_read_as_it_was_written(heirs: dict[str, str]) -> None:
    """The node, and its heir in each election."""
    announcement = Announcement("a", heirs)
    assert decode_announcement(encode_announcement(announcement)) == announcement


@pytest.mark.parametrize(
    "values", [None, {}, [], [1], ["a", "default"], ["a", "default", 1], ["a b"], ["a", "default", "\x1b[2J"]]
)
def test_what_is_no_announcement_is_refused(values: object) -> None:
    """An election without its heir, and what is no name, neither of a node nor of an election."""
    with pytest.raises(ValueError):  # noqa: PT011  of any part of it
        decode_announcement(values)
