"""The devices: simulated in this process, or behind EPICS; `LIVE_LCE_BEAMLINE` says which.

``sim`` (the default) is the simulated beamline as soft devices.  ``fly`` has a monochromator
that flies and ion chambers that write HDF5 files, in `LIVE_LCE_DATA` (by default ``data``).
``epics`` is the beamline served by ``live-lce sim-ioc``, found under `LIVE_LCE_PREFIX`.
For your own beamline add a branch that makes devices of the same names: `live_lce.sim.epics`
has classes that take PV names, and whatever your other startup files make will do as well.
"""

import os

from live_lce.sim.ioc_sample import from_text as _from_text
from live_lce.sim.library import mixture as _mixture

BEAMLINE = os.environ.get("LIVE_LCE_BEAMLINE", "sim")

if BEAMLINE in ("sim", "fly"):
    import ophyd as _ophyd

    _ophyd.set_cl("dummy")  # no EPICS here
    from live_lce.sim import devices as _soft
    from live_lce.sim.world import World as _World

    _world = _World()
    _world.load(_mixture({"Fe-hematite": 1.0}))
    if BEAMLINE == "sim":
        mono = _soft.Monochromator(_world)
        chambers = _soft.IonChambers(_world)
        fluorescence = _soft.FluorescenceDetector(_world)
        DETECTORS = [chambers, fluorescence]
    else:
        from pathlib import Path as _Path

        from ophyd_async import core as _core

        from live_lce.sim import async_devices as _flying

        _data = _Path(os.environ.get("LIVE_LCE_DATA", "data")).resolve()
        _data.mkdir(parents=True, exist_ok=True)
        _files = _core.StaticPathProvider(_core.UUIDFilenameProvider(), _data)
        with _core.init_devices(set_name=False):
            mono = _flying.Monochromator(_world, name="energy")
            chambers = _flying.IonChambers(_world, _files, mono=mono, name="chambers")
        DETECTORS = [chambers]
    furnace = _soft.Furnace(_world)
    ring = _soft.StorageRing(_world)
    _load = _world.load
elif BEAMLINE == "epics":
    from live_lce.sim.epics import simulated as _simulated

    _devices = _simulated(os.environ.get("LIVE_LCE_PREFIX", "SIM:"))
    mono, chambers, fluorescence, furnace, _stage, ring = _devices
    DETECTORS = [chambers, fluorescence]
    _load = _stage.load
else:
    raise ValueError(
        f"LIVE_LCE_BEAMLINE is {BEAMLINE!r}: set it to 'sim', 'fly' or 'epics', or add your "
        "beamline to profile_collection/startup/10-devices.py."
    )


def load_sample(mixture: str) -> None:
    """Put a simulated sample into the beam, such as ``Fe-hematite 0.7, Fe-andradite 0.3``."""
    _load(_mixture(_from_text(mixture)))
