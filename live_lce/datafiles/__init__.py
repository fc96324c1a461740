"""Read data files: tables, whatever facility wrote them, and the spectra in them.

A file becomes tables (`text`, `facilities`, `hdf5`), what their headers state is read in one
place (`header`), their columns get roles in another (`columns`), and each table becomes one
spectrum or several (`build`).  `live_lce.datafiles._files.read_spectra` is the way in.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
