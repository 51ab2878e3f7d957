"""What this node is configured to be: TOML and environment in, one frozen `Config` out.

`load` reads a file and the environment, `from_document` takes what is in neither (`--dev`, tests). Both
check every rule and report all that is wrong at once. Nothing here opens a connection: whether the
instances answer is the business of `leader doctor` and of the agent.
"""

from leader.config.load import DEFAULT_PATH, configuration_path, from_document, load
from leader.config.model import (
    ApiConfig,
    Config,
    ElectionConfig,
    FitnessConfig,
    InstanceConfig,
    NodeConfig,
    QuorumConfig,
    TlsConfig,
)

__all__ = [
    "DEFAULT_PATH",
    "ApiConfig",
    "Config",
    "ElectionConfig",
    "FitnessConfig",
    "InstanceConfig",
    "NodeConfig",
    "QuorumConfig",
    "TlsConfig",
    "configuration_path",
    "from_document",
    "load",
]
