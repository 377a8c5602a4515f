"""
What a person sees, as text: columns, colours and marks, whoever prints them.

Lean as `state` is, because `list` on the hot path shows the same table.
"""
