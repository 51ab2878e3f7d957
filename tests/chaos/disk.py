"""Small disks that can be full: each is a mount of its own, in a namespace that ends with the lab."""

import subprocess
from pathlib import Path

BLOCK = 65536


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
