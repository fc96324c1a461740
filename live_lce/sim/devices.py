"""Ophyd devices of the simulated beamline.

Names and units are those of a common beamline: ``energy`` in eV, ``I0``,
``It``, ``Ir`` (hinted), and a furnace with its temperature.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from ophyd import Component, Device, Signal, SoftPositioner
from ophyd.status import DeviceStatus

from live_lce.sim.beamline import Beamline
from live_lce.sim.library import Sample


class Monochromator(SoftPositioner):  # type: ignore[misc]
    """The photon energy in eV; the data key is the device's name."""

    def __init__(self, *, name: str = "energy", **kwargs: Any) -> None:
        super().__init__(name=name, egu="eV", source="SIM:mono", init_pos=8000.0, **kwargs)

    @property
    def hints(self) -> dict[str, list[str]]:
        """The energy is what to plot against."""
        return {"fields": [self.name]}

    def describe(self) -> dict[str, Any]:
        """Return the data key, with units."""
        described: dict[str, Any] = super().describe()
        described[self.name]["units"] = "eV"
        return described


class Furnace(Device):  # type: ignore[misc]
    """The in-situ cell: its temperature, and the sample in it."""

    temperature = Component(Signal, value=25.0, kind="normal")

    def __init__(self, *, name: str = "furnace", **kwargs: Any) -> None:
        self.sample: Sample | None = None
        super().__init__("", name=name, **kwargs)

    def load(self, sample: Sample, temperature: float) -> None:
        """Bring the sample to a state of the reaction at a temperature in degrees Celsius."""
        self.sample = sample
        self.temperature.put(temperature)


class IonChambers(Device):  # type: ignore[misc]
    """I0, It and Ir, counted together.

    Parameters
    ----------
    mono : Monochromator
        Where the energy comes from.
    furnace : Furnace
        Where the sample is.
    beamline : Beamline
        Source and chambers; may be exchanged between scans.
    seed : int
        Of the counting noise.
    dwell : float
        Real time per point in s; the simulated time is `Beamline.count_time`.
    """

    i0 = Component(Signal, value=0.0, kind="hinted")
    it = Component(Signal, value=0.0, kind="hinted")
    ir = Component(Signal, value=0.0, kind="normal")

    def __init__(
        self,
        mono: Monochromator,
        furnace: Furnace,
        beamline: Beamline,
        *,
        seed: int = 0,
        dwell: float = 0.0,
        name: str = "chambers",
        **kwargs: Any,
    ) -> None:
        super().__init__("", name=name, **kwargs)
        for signal, label in ((self.i0, "I0"), (self.it, "It"), (self.ir, "Ir")):
            signal.name = label
        self.beamline = beamline
        self.dwell = dwell
        self._mono = mono
        self._furnace = furnace
        self._rng = np.random.default_rng(seed)
        self._elapsed = 0.0

    def trigger(self) -> DeviceStatus:
        """Count one point; done after `dwell` seconds.

        Raises
        ------
        RuntimeError
            If the furnace holds no sample.
        """
        sample = self._furnace.sample
        if sample is None:
            raise RuntimeError("The furnace holds no sample: call Furnace.load first.")
        energy = float(self._mono.position)
        counts = self.beamline.count(energy, self._elapsed, sample, self._rng)
        self._elapsed += self.beamline.count_time
        status = DeviceStatus(self)

        def finish() -> None:
            for signal, value in zip((self.i0, self.it, self.ir), counts, strict=True):
                signal.put(value)
            status.set_finished()

        if self.dwell > 0:
            threading.Timer(self.dwell, finish).start()
        else:
            finish()
        return status
