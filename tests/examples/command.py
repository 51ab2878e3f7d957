"""`leader` under its name on a PATH, as examples call it, and processes that run until a test ends."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.agents import PROJECT, Node

EXAMPLES = PROJECT / "examples"


def path_with_leader(directory: Path) -> str:
    """A PATH that begins with a folder in which `leader` is this checkout's."""
    folder = directory / "bin"
    folder.mkdir()
    program = folder / "leader"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m leader "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@contextmanager
def started(
    node: Node, words: Sequence[str], environment: Mapping[str, str], output: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of that node, which is ended as a service manager does; what it says is in the file."""
    with output.open("ab") as file:
        process = subprocess.Popen(
            [*node.entrance, *words],
            env={**node.places(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
