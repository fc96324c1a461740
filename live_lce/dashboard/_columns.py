"""A trend as columns side by side, one a spectrum: pure arrays for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from live_lce.results import Stacked
from live_lce.results._stacked import cells
from live_lce.spectra import Array


def edges(x: ArrayLike, alone: float = 1.0) -> tuple[Array, Array]:
    """Return left and right ends of columns around ascending places, (n,) each.

    As :func:`live_lce.results._stacked.cells`, but one more place at the end mostly leaves the
    columns before the last as they are: what is drawn need not be sent again.

    Parameters
    ----------
    x : array_like of shape (n,)
        Ascending.
    alone : float
        Width where there is only one place.
    """
    return cells(np.asarray(x, np.float64), alone, steady=True)


def columns(stacked: Stacked, alone: float) -> dict[str, Array]:
    """Return what is drawn of a trend, each of shape (n,).

    ``left`` and ``right`` of the columns; ``low_<class>`` and ``high_<class>`` of the stacked
    fractions, NaN where not answered; ``silent`` is 1 there, else NaN; ``under_<class>`` and
    ``over_<class>`` are the limits of a band around the top of each class but the last, as wide as
    the members disagree.

    Parameters
    ----------
    stacked : Stacked
        The trend.
    alone : float
        Width of a column where there is only one.
    """
    left, right = edges(stacked.x, alone)
    tops = stacked.tops
    found = {"left": left, "right": right, "x": stacked.x}
    found["silent"] = np.where(stacked.answered, np.nan, 1.0)
    for i, name in enumerate(stacked.classes):
        found[f"low_{name}"] = tops[:, i] - stacked.fractions[:, i]
        found[f"high_{name}"] = tops[:, i]
    for i, name in enumerate(stacked.classes[:-1]):
        # The top of the first class moves as that class does, the last but one as the last does.
        spread = stacked.spread[:, i if i == 0 else i + 1]
        found[f"under_{name}"] = np.clip(tops[:, i] - spread, 0, 1)
        found[f"over_{name}"] = np.clip(tops[:, i] + spread, 0, 1)
    return found


def news(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how to get from old columns to new ones by adding at the end.

    Parameters
    ----------
    old, new : mapping of str to array
        The same names.

    Returns
    -------
    (int, int) or None
        From which row on old values changed, and how many old rows there are; None where more than
        the last row changed.
    """
    n = len(old["x"])
    if set(old) != set(new) or n == 0 or len(new["x"]) < n:
        return None
    for name, values in new.items():
        same = np.asarray(old[name][: n - 1]), np.asarray(values[: n - 1])
        floats = same[0].dtype.kind == "f"
        if not np.array_equal(*same, equal_nan=floats):
            return None
    return (n - 1, n)
