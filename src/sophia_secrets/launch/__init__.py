"""
Starting programs where little may be imported: becoming a command, the last thing that `run` does,
and a vendor's program that is started ahead of the rest.

Lean as `state` is, because the hot path does it too.
"""
