"""IPython startup of a beamline: a RunEngine whose XANES scans live_lce watches.

Use it as a profile (``ipython --profile-dir=profile_collection``), or take its last two
lines into the startup file where your RunEngine is made.  What it needs to know is in
``live_lce.toml`` (or the file that ``LIVE_LCE_CONFIG`` names).
"""

import logging

from bluesky import RunEngine

from live_lce import LiveLCE

# Warnings (Tiled away, a run without a known absorber) come up in the session.
logging.getLogger("live_lce").setLevel(logging.WARNING)

RE = globals().get("RE") or RunEngine()  # an earlier startup file may have made it

live = LiveLCE.from_config()
RE.subscribe(live)
