"""live_lce watches the XANES scans of this session's RunEngine.

What it needs to know is in ``live_lce.toml`` (or the file that ``LIVE_LCE_CONFIG`` names).  In a
profile of your own these lines are all that is needed, wherever your RunEngine is made.
"""

import logging

from live_lce import LiveLCE

# Warnings (Tiled away, a run without a known absorber) come up in the session.
logging.getLogger("live_lce").setLevel(logging.WARNING)

live = LiveLCE.from_config()
RE.subscribe(live)
