"""Labels of the sites of all computed spectra, and how well they agree."""
