"""Make and normalize spectra: signals to mu, quality control, edge references."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
