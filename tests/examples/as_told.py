"""Runs an example by the very line of its header, on a node; what stands there in capitals is filled in."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from tests.support.examples import example, header_of
from tests.support.node import PROJECT, Ended, Node
from tests.support.polling import PATIENCE_S


def line_of(path: str, words: Mapping[str, object]) -> str:
    """The command of the second line, with each of these words replaced by what it stands for."""
    line = header_of(path)[1].removeprefix("Run: ")
    for word, meant in words.items():
        assert word in line, f"{word} does not stand in: {line}"
        line = line.replace(word, shlex.quote(str(meant)))
    return line


def as_told(node: Node, path: str, words: Mapping[str, object]) -> Ended:
    """What comes of it on that node, whose `environment` is given to it."""
    return shell(node, line_of(path, words))


def shell(node: Node, line: str) -> Ended:
    """A line of a crontab or of a terminal, as that node runs it."""
    return _ended(["sh", "-c", line], environment_of(node))


def directly(node: Node, path: str, *words: object, term: int) -> Ended:
    """The example without a guard, with a term."""
    environment = environment_of(node) | {"LEADER_TERM": str(term)}
    return _ended([str(example(path)), *map(str, words)], environment)


def environment_of(node: Node) -> dict[str, str]:
    """Where the node's agent is, and a PATH that begins with this checkout's `leader`."""
    folder = node.directory / "bin"
    if not folder.exists():
        folder.mkdir()
        program = folder / "leader"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m leader "$@"\n')
        program.chmod(0o755)
    return {**node.places(), **node.environment, "PATH": f"{folder}:{os.environ['PATH']}"}


def _ended(command: list[str], environment: dict[str, str]) -> Ended:
    done = subprocess.run(
        command,
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
