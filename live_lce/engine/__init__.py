"""Documents in, results out: no I/O, no threads, no clock."""
