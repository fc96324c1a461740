"""Hold the roles of a stream: which data key is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from live_lce.contract import Finding
from live_lce.spectra import Used
from live_lce.spectra._readings import possible_modes


@dataclass(frozen=True)
class Given:
    """What a source knows of a mu that it computed itself, as it is in :class:`Spectrum`.

    Parameters
    ----------
    mode : str
        How mu was measured; empty where unknown.
    normalized : bool or None
        None to find out.
    findings : tuple of Finding
        What was noticed while mu was computed.
    used : Used, optional
        What mu was made of.
    guessed : tuple of (str, str), optional
        Absorber and edge that a program guessed.
    hint_energy : float, optional
        Edge energy (eV) that a header names.
    """

    mode: str = ""
    normalized: bool | None = None
    findings: tuple[Finding, ...] = ()
    used: Used | None = None
    guessed: tuple[str, str] | None = None
    hint_energy: float | None = None


@dataclass(frozen=True)
class Roles:
    """Which data keys make up a spectrum, and how.

    Parameters
    ----------
    mode : str
        How mu is to be built, if settings or metadata state it: ``transmission``,
        ``fluorescence``, ``reference`` or ``mu``.  Empty: what was measured decides.
    energy, bragg : str
        Data key of the photon energy, or of the Bragg angle; one is empty.
    units : str
        Units of the axis: ``eV``, ``keV``, or as the data key states them; ``auto`` if nowhere.
    d_spacing : float or None
        Lattice spacing of the monochromator's crystal (angstrom), with `bragg`.
    i0, it, ir, mu : str
        Data keys; empty where there is none.
    fluorescence : tuple of str
        Data keys of the fluorescence channels.  A key may hold several channels as an array.
    other_fluorescence : tuple of tuple of str
        Other groups of channels, any of which may be the signal; what shows the edge decides.
    exclude : tuple of str
        Fluorescence channels to leave out.
    dark : mapping
        Dark offset per data key.
    declared : bool
        Whether the start document names the energy as scanned.  If not, the values
        decide whether there was a scan.
    array : bool
        Whether each event holds whole spectra.
    given : Given
        What the source knows of `mu`.
    positions : frozenset of str
        Data keys in units of a length or an angle that are none of the above.
    external : tuple of str
        Data keys whose values are in files, not in the events.
    """

    mode: str = ""
    energy: str = ""
    bragg: str = ""
    units: str = "auto"
    d_spacing: float | None = None
    i0: str = ""
    it: str = ""
    ir: str = ""
    mu: str = ""
    fluorescence: tuple[str, ...] = ()
    other_fluorescence: tuple[tuple[str, ...], ...] = ()
    exclude: tuple[str, ...] = ()
    dark: Mapping[str, float] = field(default_factory=dict)
    declared: bool = True
    array: bool = False
    given: Given = Given()
    positions: frozenset[str] = frozenset()
    external: tuple[str, ...] = ()

    @property
    def axis(self) -> str:
        """The data key of the energy axis."""
        return self.energy or self.bragg

    @property
    def possible(self) -> tuple[str, ...]:
        """The modes that may be taken: the stated one, else all whose signals are named."""
        found = possible_modes(
            i0=self.i0, it=self.it, ir=self.ir, fluorescence=self.fluorescence, mu=self.mu
        )
        return tuple(mode for mode in found if self.mode in ("", mode))

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The sets of data keys each of which is enough for a point."""
        found = [self.signals(mode) for mode in self.possible]
        if "fluorescence" in self.possible:
            found += [(self.i0, *group) for group in self.other_fluorescence]
        return tuple(found)

    def signals(self, mode: str) -> tuple[str, ...]:
        """Return the data keys without which `mode` has no mu at a point."""
        return {
            "transmission": (self.i0, self.it),
            "fluorescence": (self.i0, *self.fluorescence),
            "reference": (self.it, self.ir),
            "mu": (self.mu,),
        }[mode]

    @property
    def needed(self) -> tuple[str, ...]:
        """The data keys of the axis, and of the mode that is taken if nothing else decides."""
        return (self.axis, *(self.signals(self.possible[0]) if self.possible else ()))

    @property
    def keys(self) -> tuple[str, ...]:
        """The needed keys, and those of the reference foil if it is measured."""
        foil = (self.it, self.ir) if self.it and self.ir else ()
        return tuple(dict.fromkeys((*self.needed, *foil)))

    @property
    def read(self) -> tuple[str, ...]:
        """All data keys that a point is made of, needed or not."""
        channels = (*self.fluorescence, *(key for keys in self.other_fluorescence for key in keys))
        keys = (self.axis, self.i0, self.it, self.ir, self.mu, *channels)
        return tuple(dict.fromkeys(key for key in keys if key))
