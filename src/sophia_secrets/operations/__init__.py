"""The operations, as functions of a `Session`; the command line and `manager` both call them."""
