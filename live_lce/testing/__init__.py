"""Test a beamline: synthetic spectra, composed documents, a server that records.

The documents are those of a transmission scan of Fe; your own plans and devices can be run on a
RunEngine with the callback of a `RecordingServer`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
