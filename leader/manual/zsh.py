"""The completion for zsh: `_arguments` for each command, with the help of each option."""

import re
from collections.abc import Iterator

from leader.cli.tree import Command, Option
from leader.manual.words import Kind, first_argument, kind_of

HEAD = r"""#compdef leader

# The first column of a table of `leader status`, by its heading, which stands behind what compadd takes.
_leader_names() {
    local -a names
    names=(${(f)"$($program status --timeout 500ms 2>/dev/null | awk -v table="$@[-1]" '
        !NF { inside = 0 }
        inside { print $1 }
        $1 == table { inside = 1 }')"})
    compadd "$@[1,-2]" -a names
}

_leader() {
    local program=$words[1] curcontext="$curcontext" state line at
    typeset -A opt_args
    at=${words[(i)--]}
    if (( at < CURRENT )); then
        shift $at words
        (( CURRENT -= at ))
        _normal
        return
    fi
"""


def script(tree: Command) -> str:
    """The whole file."""
    return HEAD + "\n".join([*_level(tree, "    "), "}", "", '_leader "$@"']) + "\n"


def _level(command: Command, indent: str) -> Iterator[str]:
    """The completion of a command that consists of others."""
    yield f"{indent}_arguments -C \\"
    yield from (f"{indent}    {_option(option)} \\" for option in command.options)
    yield f"{indent}    '1: :->command' '*:: :->rest' && return"
    yield f"{indent}case $state in"
    yield f"{indent}    command)"
    yield f"{indent}        local -a commands=("
    for one in command.commands:
        yield f"{indent}            {_quoted(f'{one.name}:{one.short}')}"
    yield f"{indent}        )"
    yield f"{indent}        _describe command commands ;;"
    yield f"{indent}    rest)"
    yield f"{indent}        case $words[1] in"
    for one in command.commands:
        yield f"{indent}            {one.name})"
        yield from _level(one, f"{indent}                ") if one.commands else _leaf(one, indent)
        yield f"{indent}                ;;"
    yield f"{indent}        esac ;;"
    yield f"{indent}esac"


def _leaf(command: Command, indent: str) -> Iterator[str]:
    argument = first_argument(command)
    words = [_option(option) for option in command.options]
    if argument is not None:
        place = "*" if argument.is_many else "1"
        words.append(_quoted(f"{place}:{argument.metavar.lower()}:{_action(kind_of(argument.metavar))}"))
    yield f"{indent}                _arguments \\"
    yield from (f"{indent}                    {word} \\" for word in words[:-1])
    yield f"{indent}                    {words[-1]}"


def _option(option: Option) -> str:
    """One or two names that exclude each other, the help, and what the value is."""
    text = f"[{_plain(option.help)}]"
    if option.metavar:
        text += f":{option.metavar.lower()}:{_action(kind_of(option.metavar))}"
    if len(option.names) == 1:
        return _quoted(option.names[0] + text)
    return f"'({' '.join(option.names)})'{{{','.join(option.names)}}}{_quoted(text)}"


def _action(kind: Kind) -> str:
    if kind.is_file:
        return "_files"
    return (
        f"_leader_names {kind.names}" if kind.names else f"({' '.join(kind.choices)})" if kind.choices else ""
    )


def _plain(text: str) -> str:
    """Help without what `_arguments` takes for its own."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
