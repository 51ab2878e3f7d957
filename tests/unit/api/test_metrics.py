"""What Prometheus is told of what an agent knows and has counted."""

from prometheus_client.parser import text_string_to_metric_families

from leader.api.figures import Figures, Histogram
from leader.api.message import Request
from leader.api.routes import respond
from tests.unit.api.handmade import HandmadeSource

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(source: HandmadeSource) -> Samples:
    """Every sample by its name and labels."""
    response = respond(source, Request("GET", "/metrics"))
    assert response.status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in text_string_to_metric_families(response.body.decode())
        for sample in metric.samples
    }


def test_every_counter_of_an_election_is_there_before_anything_happened() -> None:
    """Only what was 0 before can be seen to grow; the number of series does not depend on what happens."""
    told = samples(HandmadeSource())
    assert told["leader_leaderships_gained_total", (("election", "reports"),)] == 0
    assert told["leader_leaderships_lost_total", (("cause", "unfit"), ("election", "reports"))] == 0
    assert told["leader_clock_incidents_total", (("kind", "frozen"),)] == 0


def test_what_was_counted_is_told() -> None:
    """By election and cause, by job and result, by kind."""
    counted = Figures(
        gained={"default": 3},
        lost={("default", "paused"): 2},
        incidents={"frozen": 1},
        runs={("report", "missed"): 4},
        round_trips={"unknown": Histogram(((0.1, 1),), 1, 0.1)},
    )
    told = samples(HandmadeSource(counted=counted))
    assert told["leader_leaderships_gained_total", (("election", "default"),)] == 3
    assert told["leader_leaderships_lost_total", (("cause", "paused"), ("election", "default"))] == 2
    assert told["leader_clock_incidents_total", (("kind", "frozen"),)] == 1
    assert told["leader_job_runs_total", (("leader_job", "report"), ("result", "missed"))] == 4


def test_ready_is_what_readyz_says() -> None:
    """One truth behind both."""
    assert samples(HandmadeSource())["leader_ready", ()] == 1
    assert samples(HandmadeSource(reasons=["no majority"]))["leader_ready", ()] == 0


def test_no_label_is_one_that_prometheus_adds_itself() -> None:
    """It would be renamed to `exported_…` at each scrape."""
    names = {name for (_, labels) in samples(HandmadeSource()) for name, _ in labels}
    assert not names & {"job", "instance"}
