"""What `leader agent` does before the agent runs."""

import subprocess
import sys
from pathlib import Path

HUNG_UP = """
import os, signal, sys
from leader.agent.service import Service
from leader.cli import serve
real = serve.load
def load(*arguments, **options):
    os.kill(os.getpid(), signal.SIGHUP)
    return real(*arguments, **options)
serve.load = load
Service.run = lambda self: print(signal.SIGHUP in signal.sigpending())
serve.main(["--config", sys.argv[1]])
"""


def test_a_reload_that_is_asked_for_while_the_agent_starts_waits_for_it(tmp_path: Path) -> None:
    """It would end a process that has not come to handle it."""
    configuration = tmp_path / "leader.toml"
    configuration.write_text('cluster = "test"\n[quorum]\ninstances = ["redis://127.0.0.1:1"]\n')
    done = subprocess.run(
        [sys.executable, "-c", HUNG_UP, str(configuration)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True\n")
