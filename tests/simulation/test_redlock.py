"""Redlock in the simulated world: right where its description says so, two leaders where a key is lost."""

from pathlib import Path

import pytest

from tests.simulation.compare import (
    HEADER,
    SEEDS,
    SYSTEMS,
    LeaderContest,
    RedlockContest,
    begin,
    measure,
    run,
    table,
)
from tests.simulation.instance import NOTHING
from tests.simulation.redlock import DRIFT_NS, TTL_NS, RedlockClient
from tests.simulation.redlock_account import Account
from tests.simulation.redlock_faults import NODES, ROWS, Row, draw, unleash
from tests.simulation.redlock_instance import NO_CONFIGURATION, Asked, Command, LockInstance, Told
from tests.simulation.timeline import LEASE_MS, LEASE_NS, Timeline

README = Path(__file__).parents[2] / "README.md"
NO_FAULTS = ROWS[0]
SAFE_FOR_REDLOCK = (
    "none",
    "message delay, up to 4 leases",
    "message loss, 1 to 20 %",
    "message duplication, 1 to 20 %",
    "pause of an agent",
    "crash of an agent",
    "reboot of a node",
    "restart of an instance, data kept",
    "restart, data lost, after more than a TTL",
    "server clock set back",
    "hung instance",
    "partition",
    "partition, one way",
    "hosts' clocks off by 4.7 %",
    "all server clocks set back, and crash of an agent",
)
"""What Redlock withstands: nothing here takes a key away before its time."""


def row(name: str) -> Row:
    """The row of this name."""
    return next(row for row in ROWS if row.name == name)


def ask(instance: LockInstance, asked: Asked, value: str, wall_ms: int) -> bool:
    """What an instance answers at this moment of its wall clock."""
    told = instance.execute(Command(NO_CONFIGURATION, "A", (), asked=asked, value=value), wall_ms)
    assert isinstance(told, Told)
    return told.done


def clients(contest: RedlockContest) -> list[RedlockClient]:
    """Those that live."""
    agents = [contest.machines[name].agent for name in NODES]
    return [agent for agent in agents if isinstance(agent, RedlockClient)]


def led_redlock() -> tuple[RedlockContest, RedlockClient]:
    """A contest without faults, and the client that has just come to lead it."""
    contest = RedlockContest(draw(NO_FAULTS, 1))
    begin(contest, draw(NO_FAULTS, 1))
    contest.time.run_until(LEASE_NS, lambda: any(client.leads for client in clients(contest)))
    return contest, next(client for client in clients(contest) if client.leads)


# The model of an instance.


def test_a_key_is_set_only_where_there_is_none() -> None:
    """`NX`: a second value waits until the first is gone, and that is when its time is over."""
    instance = LockInstance("1")
    assert ask(instance, Asked.LOCK, "a", 1000)
    assert not ask(instance, Asked.LOCK, "b", 1000 + LEASE_MS)
    assert ask(instance, Asked.LOCK, "b", 1001 + LEASE_MS)


def test_a_key_is_extended_and_deleted_only_by_its_value() -> None:
    """Both scripts compare first."""
    instance = LockInstance("1")
    assert not ask(instance, Asked.EXTEND, "a", 1000)
    ask(instance, Asked.LOCK, "a", 1000)
    assert not ask(instance, Asked.EXTEND, "b", 1000)
    assert not ask(instance, Asked.UNLOCK, "b", 1000)
    assert ask(instance, Asked.EXTEND, "a", 5000)
    assert not ask(instance, Asked.LOCK, "b", 5000 + LEASE_MS)
    assert ask(instance, Asked.UNLOCK, "a", 5000)
    assert ask(instance, Asked.LOCK, "b", 5000)


def test_a_key_outlives_a_restart_that_keeps_the_data_and_no_other() -> None:
    """It keeps the moment at which it expires, too."""
    instance = LockInstance("1")
    ask(instance, Asked.LOCK, "a", 1000)
    instance.restart(instance.snapshot())
    assert not ask(instance, Asked.LOCK, "b", 1000 + LEASE_MS)
    instance.restart(NOTHING)
    assert ask(instance, Asked.LOCK, "b", 1000 + LEASE_MS)


def test_the_wall_clock_of_the_server_decides_when_a_key_expires() -> None:
    """Set forward by an hour, it forgets a key that has just been set."""
    instance = LockInstance("1")
    ask(instance, Asked.LOCK, "a", 1000)
    assert ask(instance, Asked.LOCK, "b", 3_601_000)


# A client.


def test_a_client_is_sure_of_the_ttl_less_the_time_since_it_began_and_the_drift() -> None:
    """Cut off right after it won, it answers no before the key can be gone."""
    contest, client = led_redlock()
    began_before = contest.time.now
    for name in contest.servers:
        contest.network.cut(client.place, name)
    contest.time.run_until(began_before + TTL_NS, lambda: not client.leads)
    lasted = contest.time.now - began_before
    assert TTL_NS - DRIFT_NS - TTL_NS // 100 < lasted <= TTL_NS - DRIFT_NS


def test_a_client_that_slept_longer_than_its_validity_answers_no_when_it_wakes() -> None:
    """Whether it leads is computed at each answer."""
    contest, client = led_redlock()
    client.freeze()
    contest.time.run_until(contest.time.now + 2 * LEASE_NS)
    client.thaw()
    assert not client.leads
    assert contest.account.twice_led_ns == 0


def test_a_lock_is_extended_for_as_long_as_nothing_happens() -> None:
    """The same client leads ten leases later."""
    contest, client = led_redlock()
    contest.time.run_until(10 * LEASE_NS)
    assert [each for each in clients(contest) if each.leads] == [client]


# The comparison.


def test_the_account_knows_how_long_one_led_and_how_long_two_did() -> None:
    """Overlap is summed at true time, whoever tells first."""
    time = Timeline(1)
    account = Account(time, begins_at=10)
    account.note("A", 100)
    time.run_until(50)
    account.note("B", 120)
    time.run_until(130)
    account.count()
    assert (account.led_ns, account.twice_led_ns) == (110, 50)


@pytest.mark.parametrize("system", SYSTEMS)
def test_without_faults_either_system_elects_one_leader_and_keeps_it(
    system: type[RedlockContest | LeaderContest],
) -> None:
    """Nothing is found in Redlock that its own description does not have."""
    for seed in range(2):
        result = run(system, NO_FAULTS, seed)
        assert result.twice_led == 0
        assert result.led == pytest.approx(1)


@pytest.mark.parametrize(("system", "twice"), [(RedlockContest, True), (LeaderContest, False)])
def test_one_instance_that_loses_its_data_is_enough_for_two_redlock_leaders(
    system: type[RedlockContest | LeaderContest], *, twice: bool
) -> None:
    """A leader is elected by 1, 2, 3; 4 and 5 come back; 3 restarts empty: 3, 4, 5 are a majority."""
    plan = draw(NO_FAULTS, 1)
    contest = system(plan)
    for name in "45":
        contest.servers[name].go_down()
        contest.time.at(2 * LEASE_NS, contest.servers[name].restart)
    contest.time.at(2 * LEASE_NS + LEASE_NS // 2, contest.servers["3"].restart, NOTHING)
    begin(contest, plan)
    contest.time.run_until(5 * LEASE_NS)
    contest.account.count()
    assert contest.account.led_ns > 2 * LEASE_NS
    assert (contest.account.twice_led_ns > 0) is twice


def test_restarts_that_lose_data_give_redlock_two_leaders_and_never_this_project() -> None:
    """The same restarts, at the same moments."""
    line = measure(row("restart, data lost"), 3)
    redlock, leader = line.twice
    assert redlock > 0
    assert leader == 0


def test_the_faults_of_a_seed_are_the_same_whenever_they_are_drawn() -> None:
    """Both systems suffer exactly the same ones; another seed has others."""
    for each in ROWS[1:]:
        assert draw(each, 1) == draw(each, 1)
        assert draw(each, 1) != draw(each, 2)


def test_each_kind_of_fault_strikes() -> None:
    """No row is the first one under another name."""
    for each in ROWS:
        if each.kinds:
            plans = [draw(each, seed) for seed in range(5)]
            assert {fault.kind for plan in plans for fault in plan.faults} == set(each.kinds)
            unleash(RedlockContest(plans[0]), plans[0])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_rows_say_which_faults_either_system_withstands(row: Row) -> None:
    """This project has one leader in each row; Redlock in those where no key goes before its time."""
    redlock, leader = measure(row, 2, leases=3).twice
    assert leader == 0
    assert redlock == 0 or row.name not in SAFE_FOR_REDLOCK


def test_the_table_has_a_line_per_row() -> None:
    """Two seeds per row are enough to see it."""
    lines = list(table(2, leases=1))
    assert [cells(line)[0] for line in lines[2:]] == [row.name for row in ROWS]
    assert {len(cells(line)) for line in lines} == {len(HEADER)}


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def table_of_readme() -> list[str]:
    """The lines of the README's table, header and rule included."""
    lines = README.read_text().splitlines()
    head = next(table(0))
    start = lines.index(head)
    return lines[start : start + 2 + len(ROWS)]


def test_the_readme_has_the_same_rows() -> None:
    """None is left out, those where Redlock does well least of all."""
    assert [cells(line)[0] for line in table_of_readme()[2:]] == [row.name for row in ROWS]


@pytest.mark.slow
def test_the_readme_has_the_same_figures() -> None:
    """What `make compare` prints."""
    assert list(table(SEEDS)) == table_of_readme()
