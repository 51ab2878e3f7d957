"""Work on a thread: what it finds comes back, and no signal goes to it."""

import signal

import pytest

from leader.agent.threads import on_a_thread

RELOAD = {signal.SIGHUP, signal.SIGTERM, signal.SIGINT}


async def test_a_thread_hears_no_signal_and_the_main_one_does_as_before() -> None:
    """A reload that was asked for while another is going on would else be lost with the old process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    blocked = await on_a_thread(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert blocked >= RELOAD
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


async def test_what_the_system_says_is_raised_where_it_is_waited_for() -> None:
    """As if it had been done there."""
    with pytest.raises(FileNotFoundError):
        await on_a_thread(lambda: open("/no/such/file").close())  # noqa: PTH123  it fails
