"""`/metrics` of real agents, and what `examples/` makes of it: names that are there, rules that are sound."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from leader.api.unix import UnixConnection
from leader.clock import now_ns
from tests.support.agents import PROJECT, Cluster, Node
from tests.support.polling import NS_PER_S, PATIENCE_S, until

pytestmark = pytest.mark.xdist_group("metrics")
PROMETHEUS = PROJECT / "examples" / "prometheus"
DASHBOARD = PROJECT / "examples" / "grafana" / "leader.json"
OF_PROMETHEUS = {"up"}
"""Metrics that are not the agent's."""


def scrape(node: Node, method: str = "GET") -> str:
    """What the agent says to Prometheus."""
    connection = UnixConnection(str(node.socket), now_ns() + int(PATIENCE_S * NS_PER_S))
    try:
        connection.request(method, "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        return response.read().decode()
    finally:
        connection.close()


def metrics(node: Node) -> dict[str, Metric]:
    """By name, as Prometheus has it."""
    return {metric.name: metric for metric in text_string_to_metric_families(scrape(node))}


def value(node: Node, name: str, /, **labels: str) -> float:
    """One sample."""
    samples = [
        sample.value
        for metric in metrics(node).values()
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(samples) == 1, (name, labels, samples)
    return float(samples[0])


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What promtool makes of it."""
    return subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_a_leader_and_a_standby_say_what_they_are(cluster: Cluster) -> None:
    """One leads, with a term and a lease; the other sees the same term, and the same votes."""
    leader = cluster.settle()
    standby = cluster.others(leader)[0]
    assert [value(node, "leader_is_leader", election="default") for node in (leader, standby)] == [1, 0]
    terms = {value(node, "leader_term", election="default") for node in (leader, standby)}
    assert len(terms) == 1
    assert 0 < value(leader, "leader_lease_remaining_seconds", election="default") <= 2
    assert value(standby, "leader_lease_remaining_seconds", election="default") == 0
    for node in (leader, standby):
        assert value(node, "leader_election_has_leader", election="default") == 1
        assert value(node, "leader_votes", election="default") == 3
        assert value(node, "leader_tolerated_failures") == 1
        assert value(node, "leader_nodes") == 3
        assert value(node, "leader_ready") == value(node, "leader_fit") == 1
        assert value(node, "leader_paused") == 0
        assert value(node, "process_resident_memory_bytes") > 1e6
        assert value(node, "process_cpu_seconds_total") > 0
        assert value(node, "leader_build_info", node=node.name, cluster="test") == 1


def test_transitions_round_trips_and_jobs_are_counted(cluster: Cluster) -> None:
    """A leadership gained, one lost and its cause, calls to each instance, a tick and its result."""
    old = cluster.settle()
    assert value(old, "leader_leaderships_lost_total", election="default", cause="quorum-lost") == 0
    with old.paused():
        new = cluster.wait_for_leader(other_than=old)
        assert value(new, "leader_leaderships_gained_total", election="default") >= 1
        assert new.run("once", "counted", "--", "true").code == 0
        until(lambda: value(new, "leader_job_runs_total", leader_job="counted", result="done") == 1, "a run")
        assert value(new, "leader_job_runs_total", leader_job="counted", result="missed") == 0
    lost = until(
        lambda: {
            sample.labels["cause"]
            for sample in metrics(old)["leader_leaderships_lost"].samples
            if sample.value
        },
        "the one that stood still says why it leads no more",
    )
    assert lost <= {"frozen", "quorum-lost", "clock-jumped"}
    trips = metrics(new)["leader_round_trip_seconds"].samples
    counts = [sample.value for sample in trips if sample.name.endswith("_count")]
    assert len(counts) == 3
    assert min(counts) > 1


def test_head_has_no_body(cluster: Cluster) -> None:
    """As with every other route."""
    assert scrape(cluster.settle(), "HEAD") == ""


@pytest.mark.needs("promtool")
def test_the_metrics_keep_prometheus_conventions(cluster: Cluster) -> None:
    """Names, units, help: `promtool check metrics` has nothing to say."""
    checked = promtool("check", "metrics", given=scrape(cluster.settle()))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.needs("promtool")
def test_the_rules_are_sound_and_each_alert_fires_when_it_should() -> None:
    """`promtool` checks them, and runs the tests beside them, which have each alert fire and not fire."""
    rules, tests = PROMETHEUS / "alerts.yml", PROMETHEUS / "alerts_test.yml"
    checked, tested = promtool("check", "rules", str(rules)), promtool("test", "rules", str(tests))
    assert checked.returncode == 0, checked.stderr
    assert tested.returncode == 0, tested.stdout + tested.stderr
    alerts = set(re.findall(r"- alert: (\w+)", rules.read_text()))
    for alert in alerts:
        cases = re.findall(rf"alertname: {alert}\n +exp_alerts:( \[\])?", tests.read_text())
        assert set(cases) == {"", " []"}, alert


def expressions() -> Iterator[str]:
    """Every query of the rules and the dashboard."""
    text = (PROMETHEUS / "alerts.yml").read_text()
    found = re.findall(r"expr: (?:\|\n((?: {10}.*\n)+)|(.*\n))", text)
    yield from (block or line for block, line in found)
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.needs("promtool")
def test_the_dashboards_queries_are_queries(tmp_path: Path) -> None:
    """Prometheus understands each of them."""
    queries = [query.replace("$cluster", "prod") for query in expressions()]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))  # JSON is YAML
    checked = promtool("check", "rules", str(file))
    assert checked.returncode == 0, checked.stderr
    assert f"{len(queries)} rules found" in checked.stdout


def test_every_metric_that_an_example_names_is_there(cluster: Cluster) -> None:
    """Rules and dashboard ask for nothing that an agent does not say."""
    leader = cluster.settle()
    assert leader.run("once", "named", "--", "true").code == 0
    told = {
        name
        for metric in metrics(leader).values()
        for name in (metric.name, f"{metric.name}_total", *(sample.name for sample in metric.samples))
    }
    asked = {name for text in expressions() for name in re.findall(r"\b(?:leader|process)_\w+|\bup\b", text)}
    assert len(asked) > 15
    labels = {"leader_job"}
    assert asked - labels <= told | OF_PROMETHEUS


def test_an_instance_that_fails_is_counted_by_kind(cluster: Cluster) -> None:
    """It is down, its errors grow, and one more failure would cost the majority."""
    assert cluster.quorum is not None
    leader = cluster.settle()
    cluster.quorum.kill(0)
    until(lambda: value(leader, "leader_tolerated_failures") == 0, "it is noticed")
    ups = [sample.value for sample in metrics(leader)["leader_instance_up"].samples]
    assert sorted(ups) == [0, 1, 1]
    assert sum(sample.value for sample in metrics(leader)["leader_instance_errors"].samples) > 0
