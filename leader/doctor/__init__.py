"""What is wrong, or soon will be, with this node, its quorum and its neighbours: rules over what was gathered.

Nothing here connects, reads a file of the system or runs a program, except for reading crontabs: others
gather, and these rules judge.
"""
