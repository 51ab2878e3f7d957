"""The file of holders."""

import json
from dataclasses import replace

import pytest

from leader.protocol.calls import Configuration
from leader.protocol.record import Holder
from leader.protocol.resume import Place, resumable, write

HERE = Place("boot", "machine", "8:1", "prod", "a", Configuration(1, "list", 1000))
OLD, NEW = Holder("a", "a-0", 7), Holder("a", "a-1", 7)


def test_every_election_has_its_own_holders() -> None:
    """And those without any are left out."""
    text = write(HERE, {"default": (OLD, NEW), "mail": (OLD,), "none": ()})
    assert resumable(text, HERE) == {"default": (OLD, NEW), "mail": (OLD,)}


def test_only_the_newest_term_of_an_election_counts() -> None:
    """An older leadership is over for good."""
    earlier = Holder("a", "a-0", 6)
    assert resumable(write(HERE, {"default": (earlier, NEW)}), HERE) == {"default": (NEW,)}


def test_another_nodes_holder_is_not_resumed() -> None:
    """Whoever wrote it there."""
    assert resumable(write(HERE, {"default": (Holder("b", "b-0", 7),)}), HERE) == {"default": ()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '"place"',
        json.dumps({"place": None, "holders": {}}),
        write(HERE, {"default": (OLD,)})[:-1],
        write(HERE, {"default": (OLD,)}).replace("a:a-0:7", "a:a-0"),
        write(HERE, {"default": (OLD,)}).replace('"a:a-0:7"', "7"),
        write(HERE, {"default": (OLD,)}).replace('["a:a-0:7"]', "7"),
        write(HERE, {"default": (OLD,)}).replace('{"default": ["a:a-0:7"]}', "[]"),
    ],
)
def test_a_file_that_makes_no_sense_resumes_nothing(text: str) -> None:
    """Half written, of another program or another version: no holder, and no crash."""
    assert resumable(text, HERE) == {}


def test_nothing_is_resumed_where_the_boot_is_not_known() -> None:
    """A kernel that does not tell: the file may be from before a reboot, and its holder long over."""
    nowhere = replace(HERE, boot="")
    assert resumable(write(nowhere, {"default": (NEW,)}), nowhere) == {}
