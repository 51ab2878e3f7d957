"""Clusters of real agents, started once for each file of tests that shares one."""

from collections.abc import Iterator

import pytest

from leader.instances.embedded import EmbeddedQuorum
from tests.support.agents import Cluster, Settings, quorum_of, short_directory


@pytest.fixture(scope="module")
def quorum() -> Iterator[EmbeddedQuorum]:
    """Three servers on Unix sockets, which save when they are told to."""
    with quorum_of(3, save=True) as servers:
        yield servers


@pytest.fixture(scope="module")
def shared_cluster(quorum: EmbeddedQuorum) -> Iterator[Cluster]:
    """Three agents on that quorum."""
    with (
        short_directory() as directory,
        Cluster(directory, Settings(quorum.urls), quorum=quorum) as cluster,
    ):
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Cluster, quorum: EmbeddedQuorum) -> Cluster:
    """The file's cluster, sound again whatever the test before did to it."""
    quorum.start()
    shared_cluster.settle()
    return shared_cluster


@pytest.fixture(scope="module")
def shared_tcp() -> Iterator[EmbeddedQuorum]:
    """Three servers on loopback ports."""
    with quorum_of(3, transport="tcp") as servers:
        yield servers


@pytest.fixture(scope="module")
def shared_pair(shared_tcp: EmbeddedQuorum) -> Iterator[Cluster]:
    """Two agents on those servers."""
    settings = Settings(shared_tcp.urls)
    with short_directory() as directory, Cluster(directory, settings, "ab", shared_tcp) as cluster:
        yield cluster


@pytest.fixture
def pair(shared_pair: Cluster) -> Cluster:
    """The two agents, sound again."""
    shared_pair.settle()
    return shared_pair
