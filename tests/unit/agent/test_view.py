"""What an agent shows of the nodes: roles are those of who leads now, not of the last registration."""

from dataclasses import replace

from leader.agent.view import with_roles_now
from leader.protocol.snapshot import Role
from tests.unit.tui.examples import CLUSTER

ELECTION = CLUSTER.elections[0]
WEB_1, WEB_2 = CLUSTER.nodes[:2]


def roles(leader: str, **registered: Role) -> list[str]:
    """The roles that are shown of two nodes."""
    nodes = [
        replace(node, name=name, roles={ELECTION.election: role})
        for node, (name, role) in zip((WEB_1, WEB_2), registered.items(), strict=True)
    ]
    shown = with_roles_now(nodes, [replace(ELECTION, leader=leader)])
    return [node.roles[ELECTION.election] for node in shown]


def test_who_leads_is_shown_as_the_holder_before_it_has_registered_that() -> None:
    """And who led before, as a candidate again."""
    assert roles("b", a=Role.HOLDER, b=Role.CANDIDATE) == ["candidate", "holder"]
    assert roles("", a=Role.HOLDER, b=Role.OBSERVER) == ["candidate", "observer"]


def test_elections_that_this_node_does_not_know_are_shown_as_they_were_registered() -> None:
    """Nothing better is known of them."""
    node = replace(WEB_1, roles={"others": "holder"})
    assert with_roles_now([node], [ELECTION]) == (node,)
