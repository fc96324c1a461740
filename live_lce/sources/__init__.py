"""Where documents and spectra come from."""
