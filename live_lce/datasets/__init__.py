"""Labelled spectra: computed and measured, and which of them belong together."""
