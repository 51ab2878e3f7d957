"""A process group that ends with its owner, however that ends: what is started in it outlives nobody.

A watcher leads the group and waits for the end of a pipe from the owner; then it kills the group,
stopped processes too.
"""

import subprocess

# What the owner's end may bring to the watcher first: a hang-up, when its group is orphaned.
_WATCHER = ("/bin/sh", "-c", "trap '' HUP INT TERM; read -r _; kill -KILL 0")


class OwnedGroup:
    """This process's hold on a process group, which is killed when the hold ends: by `close` or with us."""

    def __init__(self) -> None:
        self._watcher: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> int:
        """The group's id, to start processes in it; the watcher leads it and starts when first asked for."""
        if self._watcher is None:
            self._watcher = subprocess.Popen(
                _WATCHER,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                process_group=0,
            )
        return self._watcher.pid

    def close(self) -> None:
        """Kill all that is in the group."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            assert watcher.stdin is not None
            watcher.stdin.close()
            watcher.wait()
