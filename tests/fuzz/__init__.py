"""Parsers and maskers under fuzzing: one function for each, which asserts what must hold of any bytes."""
