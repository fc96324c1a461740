"""Hold a spectrum with a known label, to judge a model on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from live_lce.contract import OTHER
from live_lce.datasets._rows import CLASSES
from live_lce.spectra import Spectrum

MIXED, AMBIGUOUS, UNKNOWN = "mixed", "ambiguous", "unknown"
LABELS = (*CLASSES, OTHER, MIXED, AMBIGUOUS, UNKNOWN)
"""What a label may be."""


class DataError(ValueError):
    """Labelled spectra cannot be read; one line with the place and the fix."""


class Enters(StrEnum):
    """What a row counts for; a row enters one metric or group of metrics."""

    SCORES = "scores"
    OOD_AUROC = "ood_auroc"
    FRACTION_MAE = "fraction_mae"
    NOTHING = ""


@dataclass(frozen=True)
class Labelled:
    """One spectrum and what is known about it.

    Parameters
    ----------
    id, compound, formula, family : str
        As in the data; empty where the data do not say.
    spectrum : Spectrum
        As measured or computed, with absorber and edge.
    label : str
        One of ``LABELS``.
    computed : bool
        From theory: aligned as training spectra are, not normalized as measured ones are.
    fractions : mapping
        Shares of the sites of a mixed spectrum, by label; they sum to 1.
    group : str
        Rows of one group count as one compound; empty to find out.
    certainty, quality : str
        Of an experimental collection; empty where the data do not say.
    fingerprint : str
        See ``fingerprint``.
    """

    id: str
    spectrum: Spectrum
    label: str
    computed: bool
    compound: str = ""
    formula: str = ""
    family: str = ""
    fractions: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    certainty: str = ""
    quality: str = ""
    fingerprint: str = ""

    @property
    def absorber(self) -> str:
        """The absorbing element's symbol."""
        return self.spectrum.absorber

    @property
    def why_not(self) -> str:
        """Why the row enters nothing at all; empty if it enters something."""
        if self.spectrum.edge != "K":
            return f"edge {self.spectrum.edge}"
        if self.certainty == UNKNOWN:
            return "certainty unknown"
        if self.quality == "bad":
            return "quality bad"
        if self.label in (AMBIGUOUS, UNKNOWN):
            return f"label {self.label}"
        if self.label == MIXED and not self.fractions:
            return "mixed, but no fractions given"
        return ""

    @property
    def enters(self) -> Enters:
        """What the row counts for."""
        if self.why_not:
            return Enters.NOTHING
        if self.label == OTHER:
            return Enters.OOD_AUROC
        return Enters.FRACTION_MAE if self.label == MIXED else Enters.SCORES


def known_label(value: Any, where: str) -> str:
    """Return a label; nothing at all is `unknown`.

    Raises
    ------
    DataError
        If it is none of ``LABELS``.
    """
    label = text(value)
    if label and label not in LABELS:
        raise DataError(f"{where}: no label {label!r}: use one of {', '.join(LABELS)}")
    return label or UNKNOWN


def known_fractions(value: Any, where: str) -> dict[str, float]:
    """Return shares by label, from ``O6:0.75;T4:0.25`` or a mapping.

    Raises
    ------
    DataError
        If it is neither, names an unknown label, or does not sum to 1 within 0.02.
    """
    if isinstance(value, Mapping):
        pairs = [(str(name), share) for name, share in value.items() if share is not None]
    else:
        pairs = [part.partition(":")[::2] for part in text(value).split(";") if part.strip()]
    try:
        found = {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        raise DataError(f"{where}: fractions {value!r}: write them as O6:0.75;T4:0.25") from None
    unknown = [name for name in found if name not in (*CLASSES, OTHER)]
    if unknown:
        raise DataError(f"{where}: fractions of {unknown[0]!r}: use {', '.join(CLASSES)}, {OTHER}")
    if found and (min(found.values()) < 0 or abs(sum(found.values()) - 1) > 0.02):
        raise DataError(f"{where}: fractions {value!r} do not sum to 1")
    return found


def text(value: Any) -> str:
    """Return a cell as text; empty for what pandas reads as missing."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value).strip()
