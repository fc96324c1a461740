"""Local chemical environments from XANES while the scan is still running."""

from importlib.metadata import version

import lazy_loader

from live_lce._support.text import clean_logs

# Late, so that `import live_lce` costs nothing in a beamline's startup.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
__version__ = version("live_lce")
clean_logs()
