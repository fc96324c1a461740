"""Publish analysis documents: the spool on disk, dead letters, the writer to Tiled."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
