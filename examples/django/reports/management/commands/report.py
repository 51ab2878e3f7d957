"""A Django management command that works on the node that leads, and is silent on the others.

Run in examples/django, from every node's crontab: python -m django report --settings settings NAME…
"""

from contextlib import ExitStack

from django.core.management.base import BaseCommand, CommandError, CommandParser
from reports.models import Overtaken, Report

import leader

STOPPED = 75


class Command(BaseCommand):
    """Ends with 75 if the leadership was lost before the work was done, as `leader run` does."""

    help = "Writes reports, on the node that leads."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what there is to report, and whose leadership counts."""
        parser.add_argument("names", nargs="+")
        parser.add_argument("--election", default="default")

    def handle(self, *_: object, names: list[str], election: str, **__: object) -> None:
        """Work if this node leads."""
        try:
            with ExitStack() as stack:
                try:
                    lead = stack.enter_context(leader.Client().run_while_leader(election, timeout=0))
                except TimeoutError:  # another node leads: there is nothing to do here, and nothing to say
                    return
                self.report(lead, names)
        except (leader.LeadershipLost, Overtaken) as error:
            raise CommandError(f"stopped: {error}", returncode=STOPPED) from error
        except leader.LeaderError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error

    def report(self, lead: leader.Leading, names: list[str]) -> None:
        """Write one after the other, and begin none once the leadership is lost."""
        for name in names:
            if lead.lost.is_set():
                return
            Report.write(name, f"{name} as {lead.node} sees it", lead.term)
            self.stdout.write(f"{lead.node} wrote {name} with term {lead.term}")
