"""The crontabs of the examples, in both forms: real cron on every node, as an ordinary user, all six jobs."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from leader.doctor.crontab import examine
from leader.doctor.finding import Severity
from tests.e2e.installed import install
from tests.examples.crons import GROUP, PRINTS, Crons, running
from tests.examples.site import USER, site
from tests.support.agents import Cluster, Settings, quorum_of, short_directory
from tests.support.examples import example
from tests.support.mail import mail_server
from tests.support.node import Node
from tests.support.polling import until
from tests.support.postgres import postgres
from tests.unit.doctor.crontab_cases import HOST

pytestmark = pytest.mark.xdist_group("cron-of-examples")
NAMES = {"crontab/system": "/etc/cron.d/cluster-jobs", "crontab/user": "www-data"}
A_MINUTE_AND_MORE_S = 130.0


@pytest.mark.parametrize("path", NAMES)
def test_the_doctor_finds_nothing_wrong_with_it(path: str) -> None:
    """All that it notes is that cron mails what the jobs print, which is meant."""
    found = examine(NAMES[path], example(path).read_text(), ("default",), HOST)
    assert [(finding.code, finding.severity) for finding in found] == [("crontab-mailed", Severity.INFO)]


@pytest.mark.needs("crontab", "root")
def test_crontab_would_install_the_one_for_a_user() -> None:
    """It has no objection (`-n` installs nothing)."""
    command = ["crontab", "-u", USER, "-n", str(example("crontab/user"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two nodes with the default lease, whose sockets every user may reach."""
    with quorum_of(3) as quorum, short_directory() as directory:
        directory.chmod(0o755)
        settings = Settings(quorum.urls, lease="10s", more=f'[api]\ngroup = "{GROUP}"')
        with Cluster(directory, settings, "ab", quorum) as nodes:
            yield nodes


@contextmanager
def crons_of_both_forms(directory: Path) -> Iterator[list[Crons]]:
    """Two clusters, each with a site of its own: one has the crontab for all users, one that of a user."""
    programs = install(directory)
    with ExitStack() as stack:
        clusters = {form: stack.enter_context(cluster()) for form in ("system", "user")}
        server, mailbox = stack.enter_context(postgres()), stack.enter_context(mail_server())
        server.directory.chmod(0o755)
        made = []
        for form, nodes in clusters.items():
            own = site(nodes.directory / "site", server.with_database(form), mailbox)
            place = stack.enter_context(own)
            place.make_ready(form)
            place.give_to(USER)
            made.append(Crons(form, place, nodes, programs))
        yield made


@pytest.mark.cron
@pytest.mark.needs(
    "root", "cron", "unshare", "mount", "initdb", "postgres", "psql", "setpriv", "import:aiosmtpd"
)
@pytest.mark.timeout(240)
def test_all_six_jobs_run_on_the_leader_alone_and_the_others_cron_is_silent() -> None:
    """As www-data, with the PATH that cron gives; all that is mailed is that a service is down."""
    with short_directory() as directory:
        directory.chmod(0o755)
        with crons_of_both_forms(directory) as crons:
            leaders = [each.cluster.settle() for each in crons]
            with running(crons):
                for each in crons:
                    until(each.have_ticked, "each cron has ticked", A_MINUTE_AND_MORE_S)
            for each, leader in zip(crons, leaders, strict=True):
                until(lambda: each.are_done(leader), "what was started has ended")  # noqa: B023 - called at once
                assert_done_once_by(leader, each)


def assert_done_once_by(leader: Node, crons: Crons) -> None:
    """All six jobs, and nothing by the other node."""
    place, cluster = crons.place, crons.cluster
    (other,) = cluster.others(leader)
    once = {job: [(leader.name, "done")] for job in ("report", "send-mail", "archive", "roll-up")}
    assert crons.runs(leader) == once, cluster.logs()
    (report,) = (place.shared / "reports").iterdir()
    assert report.read_text().splitlines()[1].split() == ["web-1", "3", "1", "failed"]
    assert place.letters_to(crons.form) == 1
    assert place.prices == "first"
    assert len(list((place.shared / "archives").glob("contracts-*.tar.gz"))) == 1
    assert place.database.ask("-c", "SELECT page, visits FROM visits_by_month") == "/recent|1"
    printed, health_check = crons.mails(leader.name)
    assert (printed, *crons.mails(other.name)) == (PRINTS, PRINTS)
    assert "health-check.py" in health_check
    mail = crons.machines[leader.name].mail_file.read_text()
    assert mail.count(f"DOWN {place.web.url}: HTTP Error 503: Service Unavailable\n") == 1
