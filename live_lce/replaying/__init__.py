"""Replaying archives: which runs, in how many processes, and what became of them."""
