"""Pure logic: no I/O, no logging, and no clock but the one passed in."""
