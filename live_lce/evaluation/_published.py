"""State the papers' numbers, which are from other data and labels."""

from __future__ import annotations

from dataclasses import dataclass

CARBONE = "Carbone et al., Phys. Rev. Materials 3, 033604 (2019), Table II"
ZHENG = "Zheng et al., Patterns 1(2), 100013 (2020)"


@dataclass(frozen=True)
class Published:
    """One number of a paper.

    Parameters
    ----------
    source : str
        Paper and place.
    model : str
        As the paper calls it.
    absorber : str
        Element symbol; empty for all together.
    metric : str
        What was measured.
    value : float
        As printed.
    deviation : float or None
        Standard deviation as printed.
    data : str
        On what.
    """

    source: str
    model: str
    absorber: str
    metric: str
    value: float
    deviation: float | None
    data: str


_ELEMENTS = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "")
_TABLE_II = {
    "CNN": (
        *((0.84, 0.02), (0.86, 0.02), (0.87, 0.03), (0.85, 0.02), (0.86, 0.03)),
        *((0.87, 0.02), (0.88, 0.03), (0.86, 0.02), (0.86, 0.01)),
    ),
    "MLP": (
        *((0.83, 0.02), (0.86, 0.01), (0.87, 0.02), (0.83, 0.02), (0.85, 0.02)),
        *((0.85, 0.03), (0.87, 0.01), (0.86, 0.02), (0.85, 0.01)),
    ),
}
_THEIRS = "their computed spectra and labels, ten stratified random 90/10 splits by spectrum"

PUBLISHED = (
    *(
        Published(CARBONE, model, element, "macro_f1", value, deviation, _THEIRS)
        for model, values in _TABLE_II.items()
        for element, (value, deviation) in zip(_ELEMENTS, values, strict=True)
    ),
    Published(
        ZHENG,
        "random forest",
        "",
        "accuracy",
        0.854,
        None,
        "their computed spectra of 33 cations, 25 motifs, top-ranked label",
    ),
    Published(
        ZHENG,
        "random forest",
        "",
        "accuracy",
        0.821,
        None,
        "28 measured spectra of 13 elements (23 right), 25 motifs, top-ranked label",
    ),
)
