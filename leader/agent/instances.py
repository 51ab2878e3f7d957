"""From the configuration to one `Instance`, or one `Examiner`, per server."""

from pathlib import Path

from leader.config.model import Config, TlsConfig
from leader.instances.endpoint import Credentials
from leader.instances.examination import Examiner
from leader.instances.instance import Instance
from leader.instances.registry import Texts
from leader.instances.wire import Caller


def make_instances(config: Config) -> list[Instance]:
    """The instances of the quorum, none of them connected yet."""
    instances = [
        Instance(
            instance.name,
            instance.url,
            cluster=config.cluster,
            node=config.node.name,
            configuration=config.configuration(),
            credentials=_credentials(instance.username, instance.password, config.quorum.tls),
        )
        for instance in config.quorum.all_instances
    ]
    registered = Texts()
    for made in instances:
        made.registered = registered
    return instances


def make_examiners(config: Config) -> list[Examiner]:
    """One that examines each instance of the quorum, as this node's agent would find it."""
    return [
        Examiner(
            instance.name,
            instance.url,
            caller=Caller(config.cluster, config.node.name, instance.db, config.configuration()),
            credentials=_credentials(instance.username, instance.password, config.quorum.tls),
            elections=tuple(config.elections),
        )
        for instance in config.quorum.all_instances
    ]


def _credentials(username: str, password: str, tls: TlsConfig) -> Credentials:
    return Credentials(
        username,
        password,
        ca_file=_path(tls.ca_file),
        cert_file=_path(tls.cert_file),
        key_file=_path(tls.key_file),
    )


def _path(text: str) -> Path | None:
    return Path(text) if text else None
