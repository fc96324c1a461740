"""Importing xraylarch without its side effects on the user's session."""

from __future__ import annotations

import logging
import warnings
from types import ModuleType


def load_larch_xafs() -> ModuleType:
    """Return `larch.xafs`, imported if it was not yet (2 to 5 s).

    `import larch` switches all warnings of the process off and sets the root
    logger to WARNING; a beamline's session must not lose its messages for it.
    """
    root = logging.getLogger()
    level = root.level
    try:
        with warnings.catch_warnings():
            import larch.xafs as module
    finally:
        root.setLevel(level)
    loaded: ModuleType = module
    return loaded
