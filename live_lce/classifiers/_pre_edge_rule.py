"""Judge the coordination from the pre-edge peak, independently of the model.

The 1s to 3d peak of a K edge gains intensity where 3d and 4p states mix, which an
inversion centre forbids: it is weak in O6, strong in T4.  The witness knows nothing of any
network, and the networks are not told of it.

Fields
------
Every field is an interval of one number of :class:`~live_lce.spectra._pre_edge_peak.PreEdgePeak`
and the classes that are compatible with it.  That the classes order so is published, as
named below.  Where exactly one field ends and the next begins depends on baseline and
resolution: the limits here are ours, between the published groups and with a gap or an
overlap around each, looked at on the measured standards of
``docs/reference/models/witness.md`` (a test set: the counts there flatter).  A class of which no
field is published is never excluded; between the fields the witness excludes nothing.
Of Wong, Chaurand, Wilke and Farges 2009 the texts were not at hand when this was written: they
are named for the order of the classes only, to be checked by whoever moves a limit.

Ti, by height
    Farges, Brown and Rehr, Phys. Rev. B 56, 1809 (1997), abstract: for 4, 5 or 6 oxygen
    neighbours of Ti(IV) the normalized height varies from about 0.04 to 1.0 and the position by
    about 2 eV, so that fivefold Ti differs from a mixture of fourfold and sixfold.  The
    position needs a calibration to 0.1 eV, which a scan seldom has: it is reported, not used.
V, by area
    Wong et al., Phys. Rev. B 30, 5596 (1984) and Chaurand et al., J. Phys. Chem. B 111, 5101
    (2007): the intensity rises from regular octahedra (V2O3) to V=O square pyramids (V2O5) and
    tetrahedra (vanadates); the last two overlap.
Cr, by area
    Bajt et al., Anal. Chem. 65, 1800 (1993): the normalized area measures the share of
    tetrahedral Cr(VI); Farges, Phys. Chem. Minerals 36, 463 (2009), for Cr(II) to Cr(VI).
    Pantelouris et al. (2004): a single strong line tells tetrahedral from octahedral.  Nothing
    is published here for S5.
Fe, by area
    Wilke et al., Am. Mineral. 86, 714 (2001) and Westre et al., J. Am. Chem. Soc. 119, 6297
    (1997): lowest where the site is most centrosymmetric, highest in T4, S5 between.  Fe(II) and
    Fe(III) overlap (a tetrahedral Fe(II) is as strong as a distorted Fe(III) octahedron), and
    over-absorption moves both, so that the field in the middle is wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from live_lce.spectra import NormalizedSpectrum
from live_lce.spectra._pre_edge_peak import PreEdgePeak, pre_edge_peak

ANY = ("T4", "S5", "O6")
"""The classes that the fields are about."""


@dataclass(frozen=True)
class Fields:
    """The fields of one element.

    Parameters
    ----------
    measure : {"height", "area"}
        The number that they divide.
    limits : tuple of float
        Where a field ends and the next begins, ascending.
    says : tuple of tuple of str
        The compatible classes of each field, lowest first; one more than `limits`.
    """

    measure: str
    limits: tuple[float, ...]
    says: tuple[tuple[str, ...], ...]

    def of(self, peak: PreEdgePeak) -> tuple[str, ...]:
        """Return the classes that are compatible with a peak."""
        return self.says[int(np.searchsorted(self.limits, getattr(peak, self.measure)))]


FIELDS = {
    "Ti": Fields("height", (0.3, 0.4, 0.7), (("O6",), ("S5", "O6"), ("T4", "S5"), ("T4",))),
    "V": Fields("area", (0.6, 1.2), (("O6",), ANY, ("T4", "S5"))),
    "Cr": Fields("area", (0.5, 0.9), (("S5", "O6"), ANY, ("T4", "S5"))),
    "Fe": Fields("area", (0.09, 0.32), (("O6",), ANY, ("T4", "S5"))),
}
"""By element; see the module's text for where they come from."""


@dataclass(frozen=True)
class PreEdgeRule:
    """What the pre-edge peak says.

    Parameters
    ----------
    centroid : float
        Of the peak (eV); NaN where none stands out.
    area : float
        Of the peak (eV times edge step).
    height : float
        Of the peak (edge steps).
    says : tuple of str
        Classes that are compatible with it.
    detail : str
        The number and the field, for people.
    """

    centroid: float
    area: float
    height: float
    says: tuple[str, ...]
    detail: str


def pre_edge_rule(normalized: NormalizedSpectrum) -> PreEdgeRule | None:
    """Ask the pre-edge peak about the coordination.

    Parameters
    ----------
    normalized : NormalizedSpectrum
        Of any absorber and edge.

    Returns
    -------
    PreEdgeRule or None
        None for other absorbers and edges than the K edges of `FIELDS`, and where the
        pre-edge is not covered, too coarse or too noisy.
    """
    fields = FIELDS.get(normalized.absorber) if normalized.edge == "K" else None
    peak = pre_edge_peak(normalized) if fields is not None else None
    if fields is None or peak is None:
        return None
    says = fields.of(peak)
    number = getattr(peak, fields.measure)
    detail = f"pre-edge {fields.measure} {number:.2f} fits {', '.join(says)}"
    return PreEdgeRule(peak.centroid, peak.area, peak.height, says, detail)
