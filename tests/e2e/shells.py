"""The command's shell script alone, in each shell: a stand-in for Python tells when it is called."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.node import PROJECT

SCRIPT = PROJECT / "packaging/bin/leader"
SHELLS = (("dash",), ("bash", "--posix"), ("busybox", "ash"))
"""The shells that `/bin/sh` is, on Debian, on RPM systems, on small ones."""

ASKED = 9
"""The code of the stand-in: the script has not said yes, and so the agent is asked."""


class Script:
    """A copy of the script, or of what a text makes of it, beside a stand-in for `leader-python`."""

    def __init__(self, directory: Path, text: str = "") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "leader"
        self.path.write_text(text or SCRIPT.read_text())
        self.path.chmod(0o755)
        python = directory / "leader-python"
        python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {ASKED}\n')
        python.chmod(0o755)

    def __call__(
        self,
        *arguments: str,
        by: Sequence[str] = SHELLS[0],
        entrance: Sequence[str] = (),
        **environment: str,
    ) -> "Ended":
        """What becomes of it: run by that shell, started through that command, with this environment."""
        done = subprocess.run(
            [*entrance, *by, str(self.path), *arguments],
            env={"PATH": os.defpath, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


class Ended:
    """How it ended, and what was said meanwhile."""

    def __init__(self, code: int, output: str, complaint: str) -> None:
        self.code, self.output, self.complaint = code, output, complaint

    @property
    def said_yes(self) -> bool:
        """Whether the script itself said that this node leads, in silence; the only other way is to ask."""
        if self.code == 0:
            assert (self.output, self.complaint) == ("", "")
            return True
        assert (self.code, self.complaint) == (ASKED, ""), self.complaint
        return False
