"""The command line, `python -m acrnn …`: parsing, printing and progress; every command is a call into the package.

Comes in: the words of a command. Goes out: text, and an exit status. May import everything but web.
"""
