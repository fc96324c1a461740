"""Judging classifiers: the numbers that every model has to go through."""
