"""A Flask application with a command that works on the node that leads, and is silent on the others.

Run from every node's crontab: flask --app examples/flask/app.py report NAME…
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps

import click
from flask import Flask

import leader

STOPPED = 75
app = Flask(__name__)


def leader_only(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is called with the leadership that it works under, and only where there is one.

    It ends with 75 if the leadership was lost before the work was done, as `leader run` does.
    """

    @wraps(command)
    def guarded(*words: object, **options: object) -> None:
        try:
            with ExitStack() as stack:
                try:
                    lead = stack.enter_context(leader.Client().run_while_leader(timeout=0))
                except TimeoutError:  # another node leads: there is nothing to do here, and nothing to say
                    return
                command(lead, *words, **options)
        except leader.LeadershipLost as error:
            click.echo(f"stopped: {error}", err=True)
            sys.exit(STOPPED)
        except leader.LeaderError as error:
            click.echo(error, err=True)
            sys.exit(error.exit_code)

    return guarded


@app.cli.command()
@click.argument("names", nargs=-1)
@leader_only
def report(lead: leader.Leading, names: tuple[str, ...]) -> None:
    """Write one report after the other, and begin none once the leadership is lost."""
    for name in names:
        if lead.lost.is_set():
            return
        click.echo(f"{lead.node} writes {name} with term {lead.term}")
