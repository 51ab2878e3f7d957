"""What the agent's JSON says, as the read model's own values.

The agent may be newer or older than the command that asks it: a field that this version does not know is
left out, a missing one is an error.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from leader.protocol.snapshot import (
    AgentView,
    ElectionView,
    IncidentView,
    InstanceView,
    JobView,
    NodeView,
    PauseView,
    Role,
    RunView,
    VitalsView,
    VoteView,
)

Value = TypeVar("Value")


def read_agent(document: Mapping[str, Any]) -> AgentView:
    """The answer of `/v1/status`.

    Raises:
        ValueError: something is missing, or is not what it should be.
    """
    try:
        values = _known(AgentView, document)
        values["elections"] = tuple(_election(entry) for entry in document["elections"])
        values["instances"] = tuple(InstanceView(**_known(InstanceView, e)) for e in document["instances"])
        values["nodes"] = tuple(_node(entry) for entry in document["nodes"])
        values["pause"] = _perhaps(PauseView, document["pause"])
        values["jobs"] = tuple(read_job(entry) for entry in document["jobs"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the status of an agent: {error}") from error
    return AgentView(**values)


def read_job(document: Mapping[str, Any]) -> JobView:
    """One entry of `/v1/jobs`.

    Raises:
        ValueError: something is missing, or is not what it should be.
    """
    try:
        values = _known(JobView, document)
        values["runs"] = tuple(RunView(**_known(RunView, run)) for run in document["runs"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a job of an agent: {error}") from error
    return JobView(**values)


def read_incident(document: Mapping[str, Any]) -> IncidentView:
    """One of the incidents of `/v1/history`.

    Raises:
        ValueError: something is missing.
    """
    try:
        return IncidentView(**_known(IncidentView, document))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an incident of an agent: {error}") from error


def _election(document: Mapping[str, Any]) -> ElectionView:
    values = _known(ElectionView, document)
    values["role"] = Role(document["role"])
    values["votes"] = tuple(VoteView(**_known(VoteView, vote)) for vote in document["votes"])
    return ElectionView(**values)


def _node(document: Mapping[str, Any]) -> NodeView:
    values = _known(NodeView, document)
    values["vitals"] = _perhaps(VitalsView, document["vitals"])
    return NodeView(**values)


def _perhaps(kind: type[Value], document: Mapping[str, Any] | None) -> Value | None:
    return None if document is None else kind(**_known(kind, document))


def _known(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: document[field.name] for field in fields(kind)}
