"""Writes the man pages or the completions into a directory: `python -m leader.manual man build/man`."""

import argparse
import sys
from pathlib import Path

from leader.cli.tree import read_tree
from leader.manual.pages import pages
from leader.manual.shells import completions

KINDS = {"man": pages, "completions": completions}


def main(words: list[str]) -> None:
    """Write the kind of files that the first word names into the directory that the second one names."""
    parser = argparse.ArgumentParser(prog="python -m leader.manual", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("directory", type=Path)
    asked = parser.parse_args(words)
    write(asked.directory, KINDS[asked.kind](read_tree()))


def write(directory: Path, files: dict[str, str]) -> None:
    """Make these files, and the directory if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
