"""What the tests of examples share: two real agents and the servers; what jobs work on is each test's own."""

from collections.abc import Iterator

import pytest

from tests.examples.site import Site, site
from tests.support.agents import Cluster, Node, Settings, quorum_of, short_directory
from tests.support.mail import Mailbox, mail_server
from tests.support.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def agents() -> Iterator[Cluster]:
    """Two agents."""
    with quorum_of(3) as quorum, short_directory() as directory:
        with Cluster(directory, Settings(quorum.urls), "ab", quorum) as nodes:
            yield nodes


@pytest.fixture(scope="session")
def database_server() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """A mail server."""
    with mail_server() as box:
        yield box


@pytest.fixture
def place(agents: Cluster, database_server: Postgres, mailbox: Mailbox) -> Iterator[Site]:
    """What the jobs of this test work on; the nodes are told where it is."""
    with short_directory() as directory:
        database = database_server.with_database(directory.name)
        with site(directory, database, mailbox) as made:
            for node in agents.nodes.values():
                node.environment = made.environment
            yield made


@pytest.fixture
def leader(agents: Cluster, place: Site) -> Node:
    """The node that leads; both nodes run."""
    assert place.shared.is_dir()
    return agents.settle()
