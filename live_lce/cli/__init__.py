"""The command line ``live-lce``."""
