"""The completions of all shells, by the names under which the shells look for them."""

from leader.cli.tree import Command
from leader.manual import bash, fish, zsh


def completions(tree: Command) -> dict[str, str]:
    """The text of each file by its name."""
    return {"leader.bash": bash.script(tree), "_leader": zsh.script(tree), "leader.fish": fish.script(tree)}
