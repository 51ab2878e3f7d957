"""Commands that run under a leadership: `run` and `once`, the tree that they guard, and `fence`.

Start with `run.py`, then `once.py`; `fence.py` stands by itself. Nothing here imports more than a start may
cost: no asyncio, typer or redis.
"""
