"""What does each man page say? One page per command, made of its help, and one for the configuration file."""

from collections.abc import Iterator
from pathlib import Path

from leader import __version__
from leader.cli.tree import Argument, Command, Option
from leader.config.keys import SECTIONS, Key
from leader.manual.troff import bold, escaped, heading, inline, italic, item, markdown

CHAPTERS = Path(__file__).parent
DURATIONS = "Durations (D) are written as 500ms, 10s, 2m or 1h30m."


def pages(tree: Command) -> dict[str, str]:
    """The text of each page by the name of its file."""
    commands = {f"{_title(command)}.1": _page(command, tree) for command in (tree, *tree.commands)}
    return {**commands, "leader.toml.5": _configuration_page()}


def _title(command: Command) -> str:
    return "-".join(command.path)


def _page(command: Command, tree: Command) -> str:
    lines = [
        *_head(_title(command), 1, command.short),
        heading("synopsis"),
        *_synopsis(command),
        heading("description"),
        *_paragraphs(command),
        *_words(command),
    ]
    for one in command.commands:
        lines += _inner_command(one) if command is not tree else []
    if command is tree:
        lines += _commands(tree)
    return _finished([*lines, *_chapter(command.name), *_see_also(command, tree)])


def _head(title: str, section: int, short: str) -> Iterator[str]:
    """The title, and the line that `whatis` shows."""
    yield f'.TH "{escaped(title.upper())}" "{section}" "" "leader {__version__}" "leader"'
    yield heading("name")
    said = short[:1].lower() + short[1:].rstrip(".")
    yield f"{escaped(title)} \\- {inline(said)}"


def _synopsis(command: Command) -> Iterator[str]:
    if len(command.path) == 1:
        yield f"{bold(command.name)} {italic('COMMAND')} [{italic('WORDS')}]"
        return
    for one in command.commands or (command,):
        words = (*map(_option_word, one.options), *map(_argument_word, one.arguments))
        yield from (".PP", bold(" ".join(one.path)), *words)


def _option_word(option: Option) -> str:
    value = f"\\ {italic(option.metavar)}" if option.metavar else ""
    return f"[{bold(option.names[-1])}{value}]"


def _argument_word(argument: Argument) -> str:
    dashes, word = _split(argument)
    whole = f"{bold(dashes)} {italic(word)}" if dashes else italic(word)
    return whole if argument.is_required else f"[{whole}]"


def _split(argument: Argument) -> tuple[str, str]:
    """The -- that stands before a command, and the word for the argument."""
    dashes, _, word = argument.metavar.rpartition(" ")
    return dashes, word + ("…" if argument.is_many and not word.endswith("…") else "")


def _paragraphs(command: Command) -> Iterator[str]:
    for paragraph in command.paragraphs:
        yield from (".PP", inline(paragraph))


def _words(command: Command) -> Iterator[str]:
    """The arguments and options."""
    if command.arguments:
        yield heading("arguments")
    for argument in command.arguments:
        yield from item(italic(" ".join(_split(argument)).strip()), argument.help)
    if command.options and not command.commands:
        yield heading("options")
        yield from _options(command)


def _options(command: Command) -> Iterator[str]:
    for option in command.options:
        value = f" {italic(option.metavar)}" if option.metavar else ""
        default = f" Default: {option.default}." if option.default else ""
        yield from item(", ".join(map(bold, option.names)) + value, option.help + default)
    if any(option.metavar == "D" for option in command.options):
        yield from (".PP", escaped(DURATIONS))


def _inner_command(command: Command) -> Iterator[str]:
    yield heading(" ".join(command.path[1:]))
    yield from _paragraphs(command)
    yield from _options(command)


def _commands(tree: Command) -> Iterator[str]:
    yield heading("commands")
    for command in tree.commands:
        yield from item(f"{bold(_title(command))}(1)", command.short)
    yield heading("options")
    yield from _options(tree)


def _chapter(name: str) -> Iterator[str]:
    """What is to be said beyond the help, if anything."""
    file = CHAPTERS / f"{name}.md"
    if file.exists():
        yield from markdown(file.read_text(encoding="utf-8"))


def _see_also(command: Command, tree: Command) -> Iterator[str]:
    first = [] if command is tree else [f"{bold(_title(tree))}(1)"]
    yield heading("see also")
    yield ", ".join([*first, f"{bold('leader.toml')}(5)"])


def _configuration_page() -> str:
    lines = [
        *_head("leader.toml", 5, "the configuration of leader's agent"),
        heading("synopsis"),
        escaped("/etc/leader/leader.toml"),
        heading("description"),
    ]
    for section in SECTIONS:
        lines += [f'.SS "[{section.name}]"'] if section.name else []
        lines += [".PP", inline(section.text)] if section.text else []
        for key in section.keys:
            lines += _key(key)
    return _finished([*lines, *_chapter("configuration"), heading("see also"), f"{bold('leader-config')}(1)"])


def _key(key: Key) -> Iterator[str]:
    default = f" Default: {key.default}." if key.default else " It must be there."
    winner = f" The environment variable {key.variable} wins." if key.variable else ""
    yield from item(f"{bold(key.name)} = {italic(key.takes)}", f"{key.text}{default}{winner}")


def _finished(lines: list[str]) -> str:
    """The page; a heading begins a paragraph by itself."""
    headed = (before.startswith((".SH", ".SS")) for before in ["", *lines])
    return "".join(
        f"{line}\n"
        for line, is_first in zip(lines, headed, strict=False)
        if (line, is_first) != (".PP", True)
    )
