"""A second copy of protocol and simulation, in which one line is another one.

Mutated copies live beside the true modules: each copy is imported afresh, and the true ones come back
into `sys.modules` afterwards. Nothing else in the process sees the mutation.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("leader.protocol", "tests.simulation", "tests.scenarios")


class Change(Protocol):
    """One mutation: in this file, this text becomes that one."""

    @property
    def file(self) -> str:
        """The file, from the project's root."""

    @property
    def old(self) -> str:
        """The text as it is; it occurs exactly once."""

    @property
    def new(self) -> str:
        """The text in its place."""


class _Mutated(SourceFileLoader):
    """Compiles a file with the change in it, and leaves nothing on the disk."""

    change: Change

    def get_data(self, path: str) -> bytes:
        source = Path(path).read_text()
        found = source.count(self.change.old)
        if found != 1:
            message = f"{self.change.file} has {self.change.old!r} {found} times, not once"
            raise LookupError(message)
        return source.replace(self.change.old, self.change.new).encode()

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        path = self.get_filename(fullname)
        return SourceLoader.source_to_code(self, self.get_data(path), path)


class Finder(MetaPathFinder):
    """Finds the one module that is to be mutated."""

    def __init__(self, change: Change) -> None:
        self.name = change.file.removesuffix(".py").replace("/", ".")
        self.change = change
        self.used = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The mutated module, if it is this one."""
        del path, target
        if fullname != self.name:
            return None
        self.used = True
        loader = _Mutated(fullname, str(ROOT / self.change.file))
        loader.change = self.change
        return spec_from_loader(fullname, loader, origin=loader.path)


def _is_copied(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in COPIED)


@contextmanager
def _set_aside() -> Iterator[None]:
    """Take the true modules out of the way, and put them back."""
    true = {name: module for name, module in sys.modules.items() if _is_copied(name)}
    parents = {name: sys.modules[name] for name in ("leader", "tests") if name in sys.modules}
    attributes = {name: dict(vars(module)) for name, module in parents.items()}
    for name in true:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _is_copied(name)]:
            del sys.modules[name]
        sys.modules.update(true)
        for name, module in parents.items():
            vars(module).update(attributes[name])


def load(change: Change, module: str) -> ModuleType:
    """Return a copy of this module, with all that it imports of protocol and simulation, mutated.

    Raises:
        LookupError: the text to be changed is not there exactly once, or nobody imports the file.
    """
    finder = Finder(change)
    with _set_aside():
        sys.meta_path.insert(0, finder)
        try:
            copy = import_module(module)
        finally:
            sys.meta_path.remove(finder)
    if not finder.used:
        message = f"{module} does not import {change.file}"
        raise LookupError(message)
    return copy
