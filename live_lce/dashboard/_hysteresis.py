"""Choose the label to show: it follows ``label`` in Tiled, but does not flicker.

The rule.  The last prediction of a spectrum is shown at once.  While the spectrum grows, what is
shown changes only after `AGREEING` predictions in a row that say the same (the same label, or no
answer); until then the last shown one stays, and what was said since is told beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AGREEING = 2
"""Predictions in a row that must say the same before the shown label changes."""
RULE = (
    f"While a scan grows, the shown label changes after {AGREEING} predictions in a row that agree;"
    " the last one of a scan is shown at once. `label` in Tiled is as predicted."
)


@dataclass(frozen=True)
class Shown:
    """What is shown of a spectrum.

    Parameters
    ----------
    row : mapping
        The prediction that the shown label comes from: columns of the contract.
    latest : mapping
        The newest prediction.
    """

    row: Mapping[str, Any]
    latest: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The shown label; empty where there is no answer."""
        return said(self.row)

    @property
    def held(self) -> bool:
        """Whether the newest prediction says something else than what is shown."""
        return said(self.row) != said(self.latest)


def said(row: Mapping[str, Any]) -> str:
    """Return a prediction's label; empty where it is no answer."""
    return str(row["label"]) if row["answered"] else ""


def shown(rows: Sequence[Mapping[str, Any]]) -> Shown | None:
    """Return what is shown after some predictions of one spectrum.

    Parameters
    ----------
    rows : sequence of mapping
        Predictions of one spectrum in the order in which they were made: columns of the
        contract.

    Returns
    -------
    Shown or None
        None where there is no prediction yet.
    """
    if not rows:
        return None
    current, in_row = rows[0], 1
    for before, row in itertools.pairwise(rows):
        in_row = in_row + 1 if said(row) == said(before) else 1
        if row["final"] or said(row) == said(current) or in_row >= AGREEING:
            current = row
    return Shown(current, rows[-1])
