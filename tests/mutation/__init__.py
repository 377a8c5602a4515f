"""Mutation testing of the modules that decide over values and the log: see docs/faults.md."""
