"""The two programs, `solrecd` and `solrecctl`: one module per command.

A command module has ``add_arguments(parser)`` and ``main(args) -> int``; a line in the
COMMANDS table of its program registers it. Only the chosen command is imported.
"""
