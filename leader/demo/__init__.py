"""The main job on this machine: three agents, real servers, jobs behind `is-leader`, and what may go wrong.

`stage.py` sets it up and takes it down, `chapters.py` says what happens and what must come of it,
`play.py` runs the chapters. Nothing is simulated: agents, servers and jobs are processes, and what goes
wrong is done to them by their process id.
"""
