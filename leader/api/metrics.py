"""`/metrics`: what an agent knows and has counted, as Prometheus reads it; rendered at the moment of asking.

Names and units follow Prometheus' conventions. There is no registry of the process: the values are the
read model's and the agent's own counts. The library costs memory, so `routes` loads this file when first
asked.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from leader.api.figures import INCIDENTS, Figures
from leader.api.message import Response
from leader.api.source import Source
from leader.protocol.events import Cause
from leader.protocol.snapshot import AgentView, ElectionView, InstanceView

MS_PER_S = 1000
INSTANCE, JOB = "redis_instance", "leader_job"
"""Labels; `instance` and `job` are Prometheus' own."""


def render(source: Source) -> Response:
    """The answer to a scrape."""
    registry = CollectorRegistry()
    registry.register(ProcessCollector(registry=None))
    registry.register(Scrape(source))
    return Response(200, generate_latest(registry), kind=CONTENT_TYPE_PLAIN_0_0_4)


class Scrape(Collector):
    """One scrape of one agent."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> list[Metric]:
        """Nothing: a registry of one scrape need not look for clashes."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics but those of the process."""
        view, figures = self._source.view(), self._source.figures()
        yield from _agent(view, ready=not self._source.unready())
        yield from _elections(view)
        yield from _transitions(view, figures)
        yield from _instances(view.instances, figures)
        yield from _jobs(figures)
        yield _counter(
            "leader_clock_incidents_total",
            "How often the agent stood still, or the wall clock jumped, by kind.",
            "kind",
            dict.fromkeys(INCIDENTS, 0) | dict(figures.incidents),
        )


def _agent(view: AgentView, *, ready: bool) -> Iterator[Metric]:
    about = {"version": view.version, "cluster": view.cluster, "node": view.node}
    info = GaugeMetricFamily(
        "leader_build_info", "Version, cluster and node of the agent.", labels=list(about)
    )
    info.add_metric(list(about.values()), 1)
    yield info
    yield _gauge(
        "leader_ready", "1 if a majority of the instances answers and accepts the configuration.", ready
    )
    yield _gauge("leader_paused", "1 if this node is paused.", view.pause is not None)
    yield _gauge("leader_fit", "1 if this node is fit to lead.", not view.unfit)
    yield _gauge("leader_lease_duration_seconds", "The lease's duration.", view.lease_ms / MS_PER_S)
    yield _gauge("leader_nodes", "Nodes in the registry, as this node sees it.", len(view.nodes))
    yield _gauge(
        "leader_tolerated_failures",
        "How many more instances may fail before nobody can lead; -1 if there is no majority.",
        view.tolerates,
    )


def _elections(view: AgentView) -> Iterator[Metric]:
    yield _by_election("leader_is_leader", "1 if this node leads.", view, lambda e: e.remaining_ms > 0)
    yield _by_election(
        "leader_election_has_leader", "1 if a majority names a leader.", view, lambda e: bool(e.leader)
    )
    yield _by_election("leader_term", "The highest term that this node knows.", view, lambda e: e.term)
    yield _by_election(
        "leader_lease_remaining_seconds",
        "How long this node's lease is still sure; 0 if it does not lead.",
        view,
        lambda e: e.remaining_ms / MS_PER_S,
    )
    yield _by_election(
        "leader_votes",
        "Instances whose record names the present leader.",
        view,
        lambda e: sum(bool(e.leader) and vote.holder == e.leader for vote in e.votes),
    )


def _transitions(view: AgentView, figures: Figures) -> Iterator[Metric]:
    elections = [election.election for election in view.elections]
    none = dict.fromkeys(elections, 0)
    yield _counter(
        "leader_leaderships_gained_total",
        "How often this node was elected.",
        "election",
        none | dict(figures.gained),
    )
    yield _counter(
        "leader_leaderships_resumed_total",
        "How often a leadership of this node went on after a restart of the agent.",
        "election",
        none | dict(figures.resumed),
    )
    yield _counter(
        "leader_claims_failed_total",
        "How often a claim of this node found no majority.",
        "election",
        none | dict(figures.failed_claims),
    )
    lost = CounterMetricFamily(
        "leader_leaderships_lost_total",
        "How often a leadership of this node has ended, by cause.",
        labels=["election", "cause"],
    )
    for pair in ((election, str(cause)) for election in elections for cause in Cause):
        lost.add_metric(pair, figures.lost.get(pair, 0))
    yield lost


def _instances(instances: tuple[InstanceView, ...], figures: Figures) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "leader_instance_up", "1 if the instance votes: it answered within a lease.", labels=[INSTANCE]
    )
    errors = CounterMetricFamily(
        "leader_instance_errors_total", "Calls without a vote, by kind.", labels=[INSTANCE, "kind"]
    )
    trips = HistogramMetricFamily(
        "leader_round_trip_seconds", "How long calls took that renew, claim or watch.", labels=[INSTANCE]
    )
    for instance in instances:
        up.add_metric([instance.name], instance.votes)
        for kind, count in instance.errors.items():
            errors.add_metric([instance.name, kind], count)
        measured = figures.round_trips.get(instance.name)
        if measured is not None:
            bounds = [(str(bound), count) for bound, count in measured.at_most]
            trips.add_metric([instance.name], [*bounds, ("+Inf", measured.count)], measured.total_s)
    yield from (up, errors, trips)


def _jobs(figures: Figures) -> Iterator[Metric]:
    runs = CounterMetricFamily(
        "leader_job_runs_total",
        "Ticks of `leader once` on any node that this node heard of, by result.",
        labels=[JOB, "result"],
    )
    for (job, result), count in figures.runs.items():
        runs.add_metric([job, result], count)
    yield runs


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _counter(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    metric = CounterMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric


def _by_election(name: str, about: str, view: AgentView, value: Callable[[ElectionView], float]) -> Metric:
    metric = GaugeMetricFamily(name, about, labels=["election"])
    for election in view.elections:
        metric.add_metric([election.election], value(election))
    return metric
