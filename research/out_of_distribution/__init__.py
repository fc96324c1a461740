"""Scores that recognize spectra of none of the classes, compared."""
