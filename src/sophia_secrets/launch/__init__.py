"""
Becoming a command, the last thing that `run` does: found as a shell finds it, with the variables
it is given, as this process was started itself.

Lean as `state` is, because the hot path does it too.
"""
