"""The agent: the shell around the protocol. Read `agent.py` first, then `conductor.py`."""
