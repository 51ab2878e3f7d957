"""Small disks that can be full: each is a mount of its own, in a namespace that ends with the lab."""

import os
import subprocess
import sys
from pathlib import Path

BLOCK = 65536
INSIDE = "CHAOS_INSIDE"


def go_inside() -> None:
    """Begin this program anew in a namespace of mounts of its own, if it is not there yet."""
    if INSIDE not in os.environ:
        os.execvpe(  # noqa: S606 - it becomes itself, inside
            "unshare", ["unshare", "-m", sys.executable, *sys.orig_argv[1:]], os.environ | {INSIDE: "1"}
        )


def mount(*options: str) -> None:
    """`mount`, in this process' namespace."""
    subprocess.run(["mount", *options], check=True, stdin=subprocess.DEVNULL)


def unmount(directory: Path) -> None:
    """Take a disk away, with all that is on it."""
    subprocess.run(["umount", "--lazy", str(directory)], check=True, stdin=subprocess.DEVNULL)


def fill(ballast: Path) -> None:
    """Write to that file until its disk has no byte left."""
    with ballast.open("wb", buffering=0) as file:
        size = BLOCK
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
