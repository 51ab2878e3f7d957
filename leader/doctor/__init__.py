"""What is wrong, or soon will be, with a node, its quorum and its neighbours: rules over what was found.

Nothing here connects, reads a file of the system or runs a program, except for reading crontabs: others
gather, and these rules judge.
"""
