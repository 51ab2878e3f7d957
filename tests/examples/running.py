"""Examples that run until a test ends, as processes of a node."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.examples.as_told import environment_of
from tests.support.node import Node


@contextmanager
def started(
    node: Node, words: Sequence[str], environment: Mapping[str, str], output: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of that node, which is ended as a service manager does; what it says is in the file."""
    with output.open("ab") as file:
        process = subprocess.Popen(
            [*node.entrance, *words],
            env={**environment_of(node), **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
