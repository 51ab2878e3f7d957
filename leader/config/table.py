"""Reading a TOML table key by key, so that every error names file, key, value and rule.

What goes wrong is collected and not raised, so that a person sees all of it at once. Environment
variables win over the file, and are checked by the same rules. Secrets are never quoted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

from leader.config.address import hide_password
from leader.foreign import printable

T = TypeVar("T")

VARIABLES = ("LEADER_", "CREDENTIALS_DIRECTORY")
"""How the environment variables begin that say something about the configuration."""

_LONGEST_SHOWN = 80
_SECRETS = ("password", "pass", "pwd", "secret", "auth", "token", "credential")
"""Words in the names of keys, mistyped ones too, that tell of secrets."""


@dataclass(slots=True)
class Findings:
    """What one reading of a configuration brought up.

    `problems` end it, `warnings` and `notes` do not; `origins` says for each key given where it was given.
    """

    source: str
    environ: Mapping[str, str] = field(repr=False)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def refuse(self, key: str, rule: str) -> None:
        """Record that something about a key, or about an environment variable, is wrong."""
        self.problems.append(printable(f"{self._place(key)}: {key}: {rule}"))

    def refuse_value(self, key: str, value: object, rule: str) -> None:
        """Record that a value breaks its rule, quoting the value."""
        self.problems.append(printable(f"{self._place(key)}: {key} = {shown(value)}: {rule}"))

    def warn(self, key: str, text: str) -> None:
        """Record something that works, and that endangers what it should not."""
        self.warnings.append(printable(f"{self._place(key)}: {key}: {text}"))

    def note(self, key: str, text: str) -> None:
        """Record something that is allowed, and that a person should know."""
        self.notes.append(printable(f"{self._place(key)}: {key}: {text}"))

    def _place(self, key: str) -> str:
        return "environment" if key.startswith(VARIABLES) else self.source


class Hidden:
    """Stands where a value is not to be quoted."""

    def __str__(self) -> str:
        return "…"


HIDDEN = Hidden()


def presentable(key: str, value: object) -> object:
    """A value that stands in a wrong place, without what may be a password there."""
    name = key.lower()
    if any(word in name for word in _SECRETS) or get_close_matches(name, _SECRETS, n=1):
        return HIDDEN
    if isinstance(value, str):
        return hide_password(value) if set(value) & set("@:") else value
    return value if isinstance(value, int | float) else HIDDEN


def shown(value: object) -> str:
    """A value as TOML would write it, more or less, and not at length."""
    if isinstance(value, str):
        text = '"' + value.replace('"', '\\"') + '"'
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


class Table:
    """One table of the document; `path` is its dotted name, empty for the outermost."""

    def __init__(self, findings: Findings, path: str, values: Mapping[str, object]) -> None:
        self._findings = findings
        self._path = path
        self._values = values
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def key(self, name: str) -> str:
        """The dotted name of a key of this table."""
        return f"{self._path}.{name}" if self._path else name

    def take(self, key: str, rule: Callable[[object], T], default: T, variable: str = "") -> T:
        """The value of a key, parsed by its rule; the default if it is missing or breaks the rule.

        An environment variable of that name wins, if it is set and not empty.
        """
        self._known.append(key)
        from_environment = self._findings.environ.get(variable)
        if from_environment:
            return self._parse(self.key(key), variable, from_environment, rule, default)
        if key not in self._values:
            return default
        return self._parse(self.key(key), "", self._values[key], rule, default)

    def raw(self, key: str) -> object:
        """The value of a key as TOML gave it, for rules that need more than the value; None if missing."""
        self._known.append(key)
        if key in self._values:
            self._findings.origins[self.key(key)] = self._findings.source
        return self._values.get(key)

    def table(self, key: str) -> "Table":
        """The table at a key; an empty one if it is missing or something else."""
        self._known.append(key)
        values = self._values.get(key, {})
        if not isinstance(values, Mapping):
            self._findings.refuse_value(
                self.key(key), presentable(key, values), f"must be a table: [{self.key(key)}]"
            )
            values = {}
        return Table(self._findings, self.key(key), values)

    def names(self) -> tuple[str, ...]:
        """The keys that are there, where keys are names that people choose."""
        return tuple(self._values)

    def refuse_the_rest(self) -> None:
        """Report every key that nobody asked for, with the one that was probably meant."""
        for key in self._values:
            if key not in self._known:
                near = get_close_matches(key, self._known, n=1)
                advice = (
                    f'did you mean "{near[0]}"?' if near else f"known are {', '.join(sorted(self._known))}"
                )
                value = presentable(key, self._values[key])
                self._findings.refuse_value(self.key(key), value, f"no such key; {advice}")

    def _parse(self, key: str, variable: str, value: object, rule: Callable[[object], T], default: T) -> T:
        findings = self._findings
        findings.origins[key] = variable or findings.source
        try:
            return rule(value)
        except ValueError as broken:
            findings.refuse_value(variable or key, value, str(broken))
            return default
