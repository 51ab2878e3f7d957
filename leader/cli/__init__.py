"""The command line: one file per command, and `main.py` where every exception ends."""
