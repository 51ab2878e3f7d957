"""Threads to which no signal goes: the main one alone decides when it hears them.

While an agent takes its own place, signals wait for the next process; one that went to a thread of this one
meanwhile would be lost with it.
"""

import signal
import threading


def start_deaf(thread: threading.Thread) -> None:
    """Start this thread, with every signal blocked in it from its first moment on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
