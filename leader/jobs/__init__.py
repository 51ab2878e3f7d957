"""Commands that run under a leadership: `leader run`, and the process tree that it guards.

Start with `run.py`. Nothing here imports more than a start may cost: no asyncio, typer or redis.
"""
