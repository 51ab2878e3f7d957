"""Commands that run under a leadership: `leader run`, and the process tree that it guards; `leader fence`.

Start with `run.py`; `fence.py` stands by itself. Nothing here imports more than a start may cost: no asyncio,
typer or redis.
"""
