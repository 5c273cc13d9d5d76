"""One file a command: parse, run, view. What several share is in common.py, what a command is in spec.py."""
