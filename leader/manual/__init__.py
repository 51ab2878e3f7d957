"""The manual of an installation: man pages and shell completion, made of what the program says of itself.

`python -m leader.manual man DIRECTORY` writes the pages, `python -m leader.manual completions DIRECTORY` what
the shells read. A page is the help of its command, then its chapter in this folder, if it has one: the
chapters are Markdown, so that they can also be read where the source is.
"""
