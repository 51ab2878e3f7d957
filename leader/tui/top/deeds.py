"""What will a key do? The sentences before it is done, and why it cannot be done from here. Pure."""

from leader.protocol.snapshot import AgentView, ElectionView, Role


def elsewhere(view: AgentView, election: ElectionView) -> str:
    """Why this node cannot hand an election over, and where to do it; empty if it can."""
    if election.role is Role.HOLDER:
        return ""
    name, leader = election.election, election.leader
    where = f"{leader} leads it: run `leader step-down {name}` there" if leader else "nobody leads it"
    return f"{view.node} does not lead {name}; {where}"


def step_down(view: AgentView, election: ElectionView) -> str:
    """What a step-down does."""
    return (
        f"{view.node} hands {election.election} over (term {election.term}) to the best-ranked "
        "other candidate. Jobs that run only while it leads are stopped first, "
        "and for one lease it does not contend."
    )


def pause(view: AgentView) -> str:
    """What a pause does."""
    led = [election.election for election in view.elections if election.role is Role.HOLDER]
    over = f"hands over {', '.join(led)}, and " if led else ""
    return f"{view.node} {over}leads nothing until it is resumed, also after a restart."


def resume(view: AgentView) -> str:
    """What the end of a pause does."""
    return f"{view.node} may lead again, and contends by its priority."
