"""The completion for fish: a line for each command and option."""

from collections.abc import Iterator

from leader.cli.tree import Command, Option
from leader.manual.words import Kind, first_argument, kind_of, leaves

HEAD = r"""# fish completion for leader

# The first column of a table of `leader status`, by its heading.
function __leader_names
    set -l words (commandline -opc)
    $words[1] status --timeout 500ms 2>/dev/null | awk -v table=$argv[1] '
        !NF { inside = 0 }
        inside { print $1 }
        $1 == table { inside = 1 }'
end

# Whether these are the words behind `leader`, and no command has begun behind --.
function __leader_is
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    not contains -- -- $words; and test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end

# Whether a word behind exactly these comes next.
function __leader_ends
    set -l words (commandline -opc)
    test (count $words) -eq (math 1 + (count $argv)); and __leader_is $argv
end

# What a command behind -- takes.
function __leader_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words); or return
    set -e words[1..$at]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c leader -f
complete -c leader -n 'contains -- -- (commandline -opc)' -a '(__leader_command)'
"""


def script(tree: Command) -> str:
    """The whole file."""
    lines = [*_names(tree, "test (count (commandline -opc)) -eq 1")]
    for group in (command for command in tree.commands if command.commands):
        lines += _names(group, f"__leader_ends {group.name}")
    for command in leaves(tree):
        lines += _words(command)
    return HEAD + "\n".join(lines) + "\n"


def _names(command: Command, condition: str) -> Iterator[str]:
    for one in command.commands:
        yield f"complete -c leader -n '{condition}' -a {one.name} -d {_quoted(one.short)}"
    yield from (_option(option, condition) for option in command.options)


def _words(command: Command) -> Iterator[str]:
    condition = f"__leader_is {' '.join(command.path[1:])}"
    argument = first_argument(command)
    if argument is not None:
        yield f"complete -c leader -n '{condition}'{_value(kind_of(argument.metavar))}"
    yield from (_option(option, condition) for option in command.options)


def _option(option: Option, condition: str) -> str:
    names = "".join(
        f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names
    )
    value = _option_value(kind_of(option.metavar)) if option.metavar else ""
    return f"complete -c leader -n '{condition}'{names}{value} -d {_quoted(option.help)}"


def _option_value(kind: Kind) -> str:
    """What must follow an option; where it is no file, none is offered."""
    return " -r -F" if kind.is_file else f" -x{_value(kind)}"


def _value(kind: Kind) -> str:
    if kind.is_file:
        return " -F"
    if kind.names:
        return f" -a '(__leader_names {kind.names})'"
    return f" -a '{' '.join(kind.choices)}'" if kind.choices else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
