"""
Starting programs with few imports: replacing this process by a command, which is the last step of
`run`, and starting a vendor's program before the rest is imported.

As lean as `state`, because the hot path does both.
"""
