"""A sample of what `make fuzz` tries a million times of: hostile clients, hostile servers."""

import json
from random import Random

import pytest
from redis.exceptions import InvalidResponse, ResponseError

from leader.agent.registry import decode
from leader.instances import jobs_wire
from leader.instances.bounded import LARGEST_MESSAGE, NOT_ENOUGH, BoundedParser, BoundedReader
from leader.instances.registry import read_index
from leader.protocol.record import LARGEST_TERM
from tests.fuzz import replies
from tests.fuzz.runs import run_messages, run_replies, run_requests

FEW = 3000


def test_no_client_breaks_the_server() -> None:
    """Whatever it sends, in whatever pieces: no error, and an answer that is HTTP, or none."""
    account = run_requests(0, FEW)
    assert account["answered"] > FEW // 2


def test_no_reply_of_an_instance_is_taken_for_more_than_it_is() -> None:
    """It is read, with every number in its bounds and every name a name, or it is refused in words."""
    account = run_replies(0, 2 * FEW)
    for kind in ("beats", "ticks", "published", "indexes", "registrations", "bytes"):
        assert account[f"{kind}: taken"] > 0
        assert account[f"{kind}: refused"] > 0


def test_no_published_message_breaks_a_subscription() -> None:
    """It is handed over, counted as malformed, or ends the connection, which is made anew."""
    account = run_messages(0, FEW // 2)
    assert account["messages: heard"] > 0
    assert account["messages: ended"] > 0


# Single traps that hiredis and redis-py have, or had.


def reader() -> BoundedReader:
    """One that reads what is published."""
    return BoundedReader(BoundedParser.parse_error, LARGEST_MESSAGE)


@pytest.mark.parametrize(
    "data",
    [
        b"*1000000000\r\n",
        b":1\r\n*999999\r\n",
        b">1\r\n+pushed\r\n",
        b"%1\r\n*0\r\n:1\r\n",
        b":99999999999999999999\r\n",
        b",abc\r\n",
        b"hello\r\n",
        b"+" + b"x" * (LARGEST_MESSAGE + 1),
        b"$9999999\r\n" + b"x" * (LARGEST_MESSAGE + 1),
    ],
)
def test_what_an_instance_may_not_say_is_no_redis_protocol(data: bytes) -> None:
    """Arrays that would take all memory, pushes, types of RESP3, more than there is to say: it ends there."""
    bounded = reader()
    with pytest.raises(InvalidResponse):
        bounded.feed(data)
        bounded.gets()


def test_an_array_whose_length_arrives_in_pieces_is_found_out() -> None:
    """The bytes before it are remembered."""
    bounded = reader()
    bounded.feed(b"*1000")
    assert bounded.gets() is NOT_ENOUGH
    with pytest.raises(InvalidResponse):
        bounded.feed(b"00000\r\n")


@pytest.mark.parametrize("text", ["MOVED x", "ASK", "MOVED 1 a:b:c", "", "ASK 1 host"])
def test_an_error_of_a_form_that_redis_py_cannot_read_is_an_error_in_words(text: str) -> None:
    """It comes from a server, so it is an answer, not a bug."""
    bounded = reader()
    bounded.feed(f"-{text}\r\n".encode())
    assert isinstance(bounded.gets(), ResponseError)


@pytest.mark.parametrize("said", [str(LARGEST_TERM + 1), "-1", "\uff11", "1_0", " 1", "1e3", "9" * 5000, ""])
def test_a_term_out_of_reach_is_no_term(said: str) -> None:
    """In a record, in its holder, in a run: an instance that says it gives no vote."""
    record, run = list(replies.RECORD), list(replies.RUN)
    record[5], run[5] = said, said
    assert not replies.check_message(["default", *record])
    assert not replies.check_message(run)
    record[5:7] = ["9", f"n1:abc:{said}"]
    assert not replies.check_message(["default", *record])


@pytest.mark.parametrize("said", ["", "..", "a/b", "a b", "\x1b[31m", "x" * 65, "a\n", "\u202e", "a:b"])
def test_what_cannot_be_a_name_is_none_wherever_an_instance_says_it(said: str) -> None:
    """A node, an election, a job: it stands in logs, headers, labels and on terminals."""
    record = list(replies.RECORD)
    record[6] = f"{said}:abc:7"
    assert not replies.check_message(["default", *record])
    assert not replies.check_message([said, *replies.RECORD])
    for index in (0, 1, 3, 4):
        run = list(replies.RUN)
        run[index] = said
        with pytest.raises(ValueError, match=r"name|ten"):
            jobs_wire.decode_run(run)
    found = read_index([said, "0:s", "n2", "0:s"], 5)
    assert found.entries == [("n2", 5, "s")]


def test_a_tick_beyond_every_calendar_is_none() -> None:
    """It would be shown as a date by every node that heard of it."""
    run = list(replies.RUN)
    run[6] = "253402300800000"
    assert not replies.check_message(run)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_figure_that_json_cannot_say_is_not_handed_on(number: str) -> None:
    """Whoever asks for the status would choke on it."""
    text = json.dumps(replies.ENTRY).replace("5.0", number)
    assert decode("n2", text) is None


def test_the_inputs_are_those_of_their_seed() -> None:
    """What `make fuzz` names can be looked at again."""
    assert replies.beat(Random(7)) == replies.beat(Random(7))
