"""What holds for every test: what it needs, and that in CI none is left out in silence."""

import importlib.util
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

POSTGRES = ":".join(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))
SYSTEM_PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:{POSTGRES}"
"""Where to look for daemons: an ordinary user's PATH leaves them out."""

IN_CI = bool(os.environ.get("CI"))
SKIPPED = pytest.StashKey[dict[str, str]]()
FIGURES = "figures"
"""The property of a test's report that holds what it counted, for the end of the run."""
DEFAULT_SEEDS = 1000

# Time says nothing about an example: in a fresh clone, Hypothesis builds its tables of characters first.
settings.register_profile("leader", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leader")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose how many seeds the simulation tries."""
    parser.addoption("--seeds", type=int, default=DEFAULT_SEEDS, help="seeds per simulation test")


def pytest_configure(config: pytest.Config) -> None:
    """Begin an account of what is skipped."""
    config.stash[SKIPPED] = {}
    config.pluginmanager.register(SkipAccount(config), "skip-account")
    config.pluginmanager.register(Figures(), "figures")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs(...)` if something that it names is not here."""
    for marker in item.iter_markers("needs"):
        absent = [thing for thing in marker.args if not is_here(thing)]
        if absent:
            pytest.skip(f"needs {', '.join(absent)}")


def is_here(thing: str) -> bool:
    """Whether this machine has it: `root`, `import:module`, or the name of a program."""
    if thing == "root":
        return os.geteuid() == 0
    if thing.startswith("import:"):
        return importlib.util.find_spec(thing.removeprefix("import:")) is not None
    return shutil.which(thing, path=SYSTEM_PROGRAMS) is not None


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells what a test counted; it is printed at the end of the run, however many processes there are."""
    return partial(record_property, FIGURES)


@pytest.fixture
def seeds(pytestconfig: pytest.Config) -> int:
    """How many seeds a simulation test tries: `--seeds`."""
    return int(pytestconfig.getoption("--seeds"))


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `LEADER_*` variable of the shell that runs the tests reaches them, those for the tests aside."""
    for variable in os.environ:
        if variable.startswith("LEADER_") and not variable.startswith("LEADER_TEST_"):
            monkeypatch.delenv(variable)


class Figures:
    """Remembers what tests counted, and prints it."""

    def __init__(self) -> None:
        self._told: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of what one test counted."""
        if report.when == "call":
            told = [str(text) for name, text in report.user_properties if name == FIGURES]
            self._told += [(report.nodeid, text) for text in told]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print all of it."""
        if self._told:
            terminalreporter.section("what was counted")
        for nodeid, text in self._told:
            terminalreporter.line(f"{nodeid}:")
            for line in text.splitlines():
                terminalreporter.line(f"    {line}")


class SkipAccount:
    """Remembers each skipped test; in CI, where everything is installed, one is a failure of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self._skipped = config.stash[SKIPPED]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a skipped test; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of a skipped file."""
        if report.skipped:
            self._skipped[report.nodeid] = reason(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run in CI that skipped something and was good otherwise."""
        if IN_CI and self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was skipped, and say that this is why the run failed."""
        if not IN_CI or not self._skipped:
            return
        terminalreporter.section("skipped, which fails a run in CI", red=True)
        for nodeid, why in sorted(self._skipped.items()):
            terminalreporter.line(f"{nodeid}: {why}")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped, in the words of the skip."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
