"""Local chemical environments from XANES while the scan is still running."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from live_lce.leaving import clean_logs

if TYPE_CHECKING:
    from live_lce.replaying.replay import replay
    from live_lce.sources.live import LiveLCE

__all__ = ["LiveLCE", "__version__", "replay"]

__version__ = version("live_lce")
clean_logs()


def __getattr__(name: str) -> object:
    # Late, so that `import live_lce` costs nothing in a beamline's startup.
    if name == "LiveLCE":
        from live_lce.sources.live import LiveLCE

        return LiveLCE
    if name == "replay":
        from live_lce.replaying.replay import replay

        return replay
    raise AttributeError(f"module 'live_lce' has no attribute {name!r}")
