"""Read the measured points of spectra from the stream ``measured`` (contract 1.4).

A subscriber takes the array alone, and pairs it with nothing::

    def on_update(update):
        for row in update.data():  # of shape (1, 3, 512): one row an update
            points = points_of(row)
            print(update.run_uid, points.key, points.energy, points.mu)

    subscribe_to_streams(container, on_update, streams={"measured": ("points",)})

With ``{"measured": None}`` the scalar columns come too, but by another websocket: as tables, before
or after the array they belong to, and an array's update tells neither its row nor its time.  So
the array's third row repeats them.  Its prediction, of the stream ``predictions``, is found by
`key`; that one too may come later.  A row may come twice, after a reconnection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.contract import MEASURED_POINTS, MEASURED_STREAM
from live_lce.results._catalog import ResultsError
from live_lce.tiled import explain
from live_lce.tiled._connection import find_child


@dataclass(frozen=True)
class MeasuredPoints:
    """The measured points that one prediction rests on.

    Parameters
    ----------
    spectrum_index : int
        Number of the spectrum in its analysis run, from 0.
    final : bool
        Whether the spectrum is whole.
    raw_seq_num_last : int
        Last raw event used; 0 if none.
    energy : ndarray of shape (n,)
        Photon energy (eV), ascending, as measured: without `energy_shift`.
    mu : ndarray of shape (n,)
        Absorption in arbitrary units, or normalized absorption.
    n_points : int
        Points measured; more than `n` if neighbours were averaged.
    """

    spectrum_index: int
    final: bool
    raw_seq_num_last: int
    energy: NDArray[np.float64]
    mu: NDArray[np.float64]
    n_points: int

    @property
    def key(self) -> tuple[int, int, bool]:
        """What its prediction is found by: `spectrum_index`, `raw_seq_num_last`, `final`."""
        return (self.spectrum_index, self.raw_seq_num_last, self.final)


def points_of(row: ArrayLike) -> MeasuredPoints:
    """Decode one row of the array column ``points``.

    Parameters
    ----------
    row : array_like of shape (3, 512)
        As published.

    Raises
    ------
    ValueError
        If this is no such row.
    """
    values = np.asarray(row, dtype=float)
    if values.shape != (3, MEASURED_POINTS) or not np.isfinite(values[2, :4]).all():
        raise ValueError(f"no row of the stream {MEASURED_STREAM}: an array of {values.shape}")
    index, final, last, n_points = (int(number) for number in values[2, :4])
    n = min(n_points, MEASURED_POINTS)
    energy, mu = values[:2, :n].copy()
    return MeasuredPoints(index, bool(final), last, energy, mu, n_points)


def measured_points(container: Any, uid: str) -> list[MeasuredPoints]:
    """Return what was measured for the predictions of an analysis run, in the order published.

    Parameters
    ----------
    container : tiled container
        Where the analysis runs are.
    uid : str
        Of the analysis run.

    Returns
    -------
    list of MeasuredPoints
        Empty for runs before contract 1.4, and where no spectrum could be built.  Of a run that
        was replayed only the final ones.

    Raises
    ------
    ResultsError
        If the server fails.
    """
    return list({row.key: row for row in _read(container, uid, slice(None))}.values())


def newest_points(container: Any, uid: str) -> MeasuredPoints | None:
    """Return what was measured for the newest prediction; None where there is nothing of it.

    Of the array only the last row is read.

    Parameters
    ----------
    container, uid
        See :func:`measured_points`.

    Raises
    ------
    ResultsError
        If the server fails.
    """
    rows = _read(container, uid, slice(-1, None))
    return rows[-1] if rows else None


def _read(container: Any, uid: str, which: slice) -> list[MeasuredPoints]:
    try:
        node = container
        for key in (uid, MEASURED_STREAM, "points"):
            node = find_child(getattr(node, "base", node), key)
            if node is None:
                return []
        first, last, _ = which.indices(node.shape[0])
        return [points_of(row) for row in np.asarray(node[first:last], dtype=float)]
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
