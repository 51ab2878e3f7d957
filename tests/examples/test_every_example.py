"""Whatever is in `examples/` says what it is and how it is run, a test runs it, and the index names it."""

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.examples.named import is_run, paths_in
from tests.support.examples import EXAMPLES, INDEX, all_examples, example, header_of, index

SCRIPTS = [path for path in all_examples() if example(path).read_bytes().startswith(b"#!")]
SHELL = [path for path in SCRIPTS if re.match(r"#!.*\b(?:ba)?sh\n", example(path).read_text())]


@pytest.mark.parametrize("path", all_examples())
def test_its_first_two_lines_say_what_it_is_and_how_it_is_run(path: str) -> None:
    """The first is a sentence, and the second names the file, or one beside it that uses it."""
    what, how = header_of(path)
    assert what.endswith("."), f"{path} does not begin with a sentence about what it is: {what!r}"
    folder = path.partition("/")[0]
    beside = [Path(other) for other in all_examples() if other.startswith(f"{folder}/")]
    assert any(name in how for other in beside for name in (other.name, other.stem)), (
        f"the second line of {path} names no file that is run: {how!r}"
    )


@pytest.mark.parametrize("path", all_examples())
def test_a_test_runs_it(path: str) -> None:
    """The tests' code names it; what the tests do not name is not run."""
    assert is_run(path), f"no test names examples/{path}"


def test_a_path_is_found_however_a_test_writes_it() -> None:
    """In one string or joined; what is only a word of another meaning is none."""
    code = 'A = P / "examples" / "a"\nuse(A / "one.sh", "b/two.sh", "three", x + "four.sh", A / name)\n'
    found = set(paths_in(ast.parse(code)))
    assert {"examples/a/one.sh", "b/two.sh"} <= found
    assert not {"three", "four.sh", "a/four.sh"} & found


def test_the_index_has_the_first_line_of_each() -> None:
    """It is made of them: `python -m tests.support.examples` writes it."""
    assert INDEX.read_text() == index()


@pytest.mark.parametrize("path", SCRIPTS)
def test_what_begins_as_a_script_can_be_started(path: str) -> None:
    """Its file is executable."""
    assert os.access(example(path), os.X_OK)


@pytest.mark.needs("shellcheck")
def test_shellcheck_has_nothing_to_say_of_the_scripts() -> None:
    """Nor anything to note."""
    assert SHELL
    done = subprocess.run(
        ["shellcheck", *SHELL], cwd=EXAMPLES, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
