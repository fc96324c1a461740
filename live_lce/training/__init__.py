"""From computed spectra to model files (extra `train`)."""
