"""Spectra computed with FEFF10 for the simulator, the foils and the training data."""
