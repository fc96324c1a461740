"""Model files, sessions and verdicts."""
