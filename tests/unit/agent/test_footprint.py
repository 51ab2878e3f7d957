"""What an agent keeps in its memory for months: nothing that only commands need."""

import json
import subprocess
import sys
from pathlib import Path

SEEN = """
import json, sys
from leader.agent.service import Service
from leader.cli.main import main
Service.run = lambda self: 0
print(json.dumps([main(["agent", "--config", sys.argv[1]]), sorted(sys.modules)]))
"""
MINIMAL = """cluster = "test"
[quorum]
instances = ["redis://127.0.0.1:1"]
"""


def test_an_agent_loads_neither_the_command_line_nor_what_renders_metrics(tmp_path: Path) -> None:
    """The one, with what checks its options, is ten megabytes; the other is for those that are scraped."""
    configuration = tmp_path / "leader.toml"
    configuration.write_text(MINIMAL)
    done = subprocess.run(
        [sys.executable, "-c", SEEN, str(configuration)], stdout=subprocess.PIPE, check=True
    )
    code, modules = json.loads(done.stdout)
    assert code == 0
    assert "leader.agent.agent" in modules
    assert not {"typer", "click", "pydantic", "rich", "textual", "prometheus_client"} & set(modules)
