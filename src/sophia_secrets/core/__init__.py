"""Deciding, and nothing else: no I/O, no clock but the one handed in, no logging."""
