"""What does this node's agent say of itself, and which process is it?"""

from leader.api.client import Client
from leader.cli.host_facts import peer_of
from leader.doctor.agent import AgentFacts
from leader.errors import AgentUnreachable
from leader.tui.read import read_agent, read_history


def ask(agent: Client) -> AgentFacts:
    """All that it says, or the sentence why it says nothing."""
    pid, uid = peer_of(agent.socket_path)
    try:
        view, history = read_agent(agent.status()), read_history(agent.history())
    except AgentUnreachable as error:
        return AgentFacts(agent.socket_path, silence=str(error), pid=pid, uid=uid)
    except ValueError as error:
        silence = f"the agent at {agent.socket_path} is of another version ({error}): restart it"
        return AgentFacts(agent.socket_path, silence=silence, pid=pid, uid=uid)
    return AgentFacts(agent.socket_path, pid=pid, uid=uid, view=view, history=history)
