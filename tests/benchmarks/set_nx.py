"""What many write themselves: a lock on one Redis server with SET NX PX, renewed each third of its time.

    python -m tests.benchmarks.set_nx redis://127.0.0.1:6379/0 NAME 2

The lock is the one that comes with redis-py, asked for ten times a second, which is that lock's own default.
"""

import sys
import time

from redis import Redis
from redis.lock import Lock


def main() -> int:
    """Wait for the lock, say so, and keep it until ended; Ctrl-C gives it back."""
    url, name, lease_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    lock = Lock(Redis.from_url(url), name, timeout=lease_s, sleep=0.1)
    lock.acquire()
    print("leads", flush=True)
    try:
        while True:
            time.sleep(lease_s / 3)
            lock.extend(lease_s, replace_ttl=True)
    except KeyboardInterrupt:
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
