"""Commands that run under a leadership: `leader run` and `once`, and the tree that they guard; `leader fence`.

Start with `run.py`, then `once.py`; `fence.py` stands by itself. Nothing here imports more than a start may
cost: no asyncio, typer or redis.
"""
