"""The public names: each loads from its home on first use, and nothing loads before."""

import subprocess
import sys

import pytest

import leader


@pytest.mark.parametrize("name", leader.__all__)
def test_each_public_name_is_there(name: str) -> None:
    """With the name that it has at home."""
    assert getattr(getattr(leader, name), "__name__", "__version__") == name


def test_every_home_is_public() -> None:
    """Nothing is offered in secret."""
    assert {*leader._HOMES, "__version__"} == set(leader.__all__)


def test_another_name_is_none_of_ours() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        leader.nope  # noqa: B018


@pytest.mark.parametrize("name", ["Client", "check", "term", "LeadershipLost"])
def test_who_needs_no_event_loop_loads_none(name: str) -> None:
    """The library for threads is the standard library alone, without asyncio."""
    code = f"import sys, leader; leader.{name}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"asyncio", "h11", "redis", "typer", "psutil"} & set(done.stdout.split())


def test_the_library_for_tasks_needs_nothing_else() -> None:
    """asyncio, and nothing that has to be installed."""
    code = "import sys, leader; leader.AsyncClient; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"h11", "redis", "typer", "psutil"} & set(done.stdout.split())
