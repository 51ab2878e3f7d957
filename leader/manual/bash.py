"""The completion for bash: one function over a table, which asks the agent only for names that it knows."""

from collections.abc import Iterator

from leader.cli.tree import Command
from leader.manual.words import Kind, first_argument, kind_of, leaves, with_values

HEAD = r"""# bash completion for leader

# The first column of a table of `leader status`, by its heading.
_leader_names() {
    "$1" status --timeout 500ms 2>/dev/null | awk -v table="$2" '
        !NF { inside = 0 }
        inside { print $1 }
        $1 == table { inside = 1 }'
}

# Words that begin as the one that is being typed.
_leader_offer() {
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_leader_files() {
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -- "$1"))
    compopt -o filenames 2>/dev/null
}

# What stands behind --: a command with words of its own.
_leader_command() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif [ "$COMP_CWORD" -eq "$1" ]; then
        COMPREPLY=($(compgen -c -- "$2"))
    else
        _leader_files "$2"
    fi
}

_leader() {
    local program=$1 word=$2 before=$3 at command options argument=
    for ((at = 2; at < COMP_CWORD; at++)); do
        if [ "${COMP_WORDS[at]}" = -- ]; then
            _leader_command "$((at + 1))" "$word"
            return
        fi
    done
    command=${COMP_WORDS[1]}
    if [ "$COMP_CWORD" -eq 1 ]; then
"""
TAIL = r"""
    case $word in
        -*) _leader_offer "$options" "$word" ;;
        *) _leader_value "$program" "$argument" "$word" ;;
    esac
}

complete -F _leader leader
"""
VALUE = r"""
# The words of one kind.
_leader_value() {
    case $2 in
        file) _leader_files "$3" ;;
        ELECTION|NODE|JOB) _leader_offer "$(_leader_names "$1" "$2")" "$3" ;;
        *) _leader_offer "$2" "$3" ;;
    esac
}
"""


def script(tree: Command) -> str:
    """The whole file."""
    names = " ".join(command.name for command in tree.commands)
    own = " ".join(name for option in tree.options for name in option.names)
    lines = [f"        _leader_offer '{names} {own}' \"$word\"", "        return", "    fi"]
    for group in (command for command in tree.commands if command.commands):
        inner = " ".join(command.name for command in group.commands)
        lines += [f'    if [ "$command" = {group.name} ]; then', '        if [ "$COMP_CWORD" -eq 2 ]; then']
        lines += [f"            _leader_offer '{inner}' \"$word\"", "            return", "        fi"]
        lines += ['        command="$command ${COMP_WORDS[2]}"', "    fi"]
    lines += ['    case "$command" in', *(line for one in leaves(tree) for line in _case(one)), "    esac"]
    return HEAD.replace("\n_leader() {", f"{VALUE}\n_leader() {{") + "\n".join(lines) + TAIL


def _case(command: Command) -> Iterator[str]:
    """What one command takes; the value of an option is offered at once."""
    argument = first_argument(command)
    options = " ".join(name for option in command.options for name in option.names)
    yield f"        '{' '.join(command.path[1:])}')"
    yield f"            options='{options}' argument='{_word(kind_of(argument.metavar)) if argument else ''}'"
    yield '            case "$before" in'
    for option in with_values(command):
        kind = _word(kind_of(option.metavar))
        value = f'_leader_value "$program" \'{kind}\' "$word"; return' if kind else "return"
        yield f"                {'|'.join(option.names)}) {value} ;;"
    yield "            esac ;;"


def _word(kind: Kind) -> str:
    return "file" if kind.is_file else kind.names or " ".join(kind.choices)
