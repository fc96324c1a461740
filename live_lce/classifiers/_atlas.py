"""Show where a spectrum stands: class medoids and a map of the training spectra.

It changes no answer.  A model file holds it as JSON in a metadata entry of its own, beside
the card's (docs/explanations/decisions/0019-a-model-carries-an-atlas.md).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from live_lce.spectra import Array, to_grid

ATLAS_KEY = "live_lce_atlas"
"""Key of the atlas' JSON in the ONNX file's metadata."""
FORMAT = 1
"""Of the JSON; others are not read."""
LEVEL = (5.0, 15.0)
"""A medoid is in units of its own mean over this range (eV from the edge reference)."""
NEAREST = 15
"""Training spectra that :meth:`Projection.shares` counts."""


class AtlasError(ValueError):
    """The JSON of an atlas cannot be read; one line with what is wrong."""


@dataclass(frozen=True)
class Medoid:
    """The training spectrum that is nearest to all others of its class.

    Parameters
    ----------
    label : str
        The class.
    norm : ndarray of shape (n_grid,)
        On the model's grid, in units of its mean over :data:`LEVEL`; NaN where it was not
        computed or measured.
    name : str
        Of the compound, with the site's name in the data.
    source : str
        The data that it is from, with their licence.
    """

    label: str
    norm: Array
    name: str
    source: str

    def beside(self, energies: ArrayLike, norm: ArrayLike) -> Array:
        """Return the medoid on the scale of a spectrum, to draw one over the other.

        Edge steps of theory and of a fit differ by some percent.  Over what both have of
        :data:`LEVEL`, the means are made equal; where they have nothing of it the medoid
        comes back as it is.

        Parameters
        ----------
        energies : array_like of shape (n_grid,)
            Of the model's grid (eV from the edge reference).
        norm : array_like of shape (n_grid,)
            The spectrum on it; NaN where not measured.
        """
        at, values = np.asarray(energies, np.float64), np.asarray(norm, np.float64)
        both = np.isfinite(values) & np.isfinite(self.norm) & (at >= LEVEL[0]) & (at <= LEVEL[1])
        if not both.any():
            return self.norm.copy()
        scaled: Array = self.norm * (values[both].mean() / self.norm[both].mean())
        return scaled


@dataclass(frozen=True)
class Projection:
    """Two axes that tell the classes apart best, and training spectra in the plane of them.

    The axes are linear discriminants (Fisher, Ann. Eugen. 7, 179 (1936); covariance shrunk
    after Ledoit and Wolf, J. Multivar. Anal. 88, 365 (2004)) in units of the standard
    deviation within a class.  Turned so that O6 lies right of T4, and S5 above both.

    Parameters
    ----------
    energies : ndarray of shape (n_energies,)
        What it reads (eV from the edge reference): what every answered scan has.
    axes : ndarray of shape (2, n_energies)
        The directions.
    mean : ndarray of shape (n_energies,)
        The spectrum that lies at (0, 0).
    scale : tuple of float
        Spectra are divided by their mean from here to there (eV).
    points : ndarray of shape (n_points, 2)
        Training spectra, varied as a beamline varies them.
    labels : tuple of str
        The class of each.
    """

    energies: Array
    axes: Array
    mean: Array
    scale: tuple[float, float]
    points: Array
    labels: tuple[str, ...]

    def project(
        self, energy: ArrayLike, norm: ArrayLike, edge_reference: float = 0.0
    ) -> Array | None:
        """Return where a spectrum lies, (2,).

        Parameters
        ----------
        energy : array_like of shape (n_measured,)
            Ascending (eV).
        norm : array_like of shape (n_measured,)
            On any scale; NaN where not measured.
        edge_reference : float
            Origin of the relative energies (eV); 0 where `energy` is relative already.

        Returns
        -------
        ndarray of shape (2,) or None
            None where anything of `energies` was not measured, or the spectrum has no level
            behind the edge.
        """
        x, y = np.asarray(energy, np.float64), np.asarray(norm, np.float64)
        if not math.isfinite(edge_reference):
            return None
        known = np.isfinite(x) & np.isfinite(y)
        if known.sum() < 2 or _has_hole(x - edge_reference, known, self.energies):
            return None
        values, valid = to_grid(x[known], y[known], edge_reference, self.energies)
        if not valid.all():
            return None
        place: Array = self.place(values[None])[0]
        return place if np.isfinite(place).all() else None

    def place(self, values: Array) -> Array:
        """Return where spectra (n_spectra, n_energies) lie, (n_spectra, 2); NaN without a level."""
        inside = (self.energies >= self.scale[0]) & (self.energies <= self.scale[1])
        level = values[:, inside].mean(axis=1, keepdims=True)
        level = np.where(level > 0, level, np.nan)
        found: Array = (values / level - self.mean) @ self.axes.T
        return found

    def shares(self, place: ArrayLike, n: int = NEAREST) -> dict[str, float]:
        """Return what share of the `n` nearest training spectra each class has, most first."""
        far = ((self.points - np.asarray(place, np.float64)) ** 2).sum(axis=1)
        nearest = np.argsort(far, kind="stable")[:n]
        names, counts = np.unique([self.labels[i] for i in nearest], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(names[i]): float(counts[i] / counts.sum()) for i in order}


@dataclass(frozen=True)
class Atlas:
    """Both.

    Parameters
    ----------
    medoids : tuple of Medoid
        At most one per class; the class `other` is no environment, and has none.
    projection : Projection or None
        None where the training spectra are too few for it.
    """

    medoids: tuple[Medoid, ...]
    projection: Projection | None = None

    def to_json(self) -> str:
        """Return it as JSON, numbers rounded: 20 kB or so."""
        medoids = [
            {"label": m.label, "norm": _plain(m.norm, 4), "name": m.name, "source": m.source}
            for m in self.medoids
        ]
        of = self.projection
        projection = None
        if of is not None:
            names = sorted(set(of.labels))
            projection = {
                "energies": _plain(of.energies, 3),
                "axes": _plain(of.axes, 4),
                "mean": _plain(of.mean, 4),
                "scale": list(of.scale),
                "points": _plain(of.points, 2),
                "labels": names,
                "label": [names.index(label) for label in of.labels],
            }
        whole = {"format": FORMAT, "medoids": medoids, "projection": projection}
        return json.dumps(whole, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, n_grid: int) -> Atlas:
        """Read one.

        Parameters
        ----------
        text : str
            From :meth:`to_json`.
        n_grid : int
            Points of the model's grid.

        Raises
        ------
        AtlasError
            If it is none, or one of another grid.
        """
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise AtlasError(f"its format is {found['format']!r}, not {FORMAT}")
            medoids = tuple(_medoid(one, n_grid) for one in found["medoids"])
            given = found["projection"]
            return cls(medoids, None if given is None else _projection(given))
        except AtlasError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise AtlasError(f"{type(error).__name__}: {error}".splitlines()[0]) from None


def _medoid(given: Any, n_grid: int) -> Medoid:
    norm = _array(given["norm"], (n_grid,), "norm", gaps=True)
    return Medoid(str(given["label"]), norm, str(given["name"]), str(given["source"]))


def _projection(given: Any) -> Projection:
    n, m = len(given["energies"]), len(given["points"])
    low, high = (float(value) for value in given["scale"])
    energies = _array(given["energies"], (n,), "energies")
    if n < 2 or not (np.diff(energies) > 0).all():
        raise AtlasError("its energies do not ascend")
    if not ((energies >= low) & (energies <= high)).any():
        raise AtlasError(f"it has no energy in its scale, {low:g} to {high:g} eV")
    names, label = [str(name) for name in given["labels"]], given["label"]
    if len(label) != m or not all(isinstance(i, int) and 0 <= i < len(names) for i in label):
        raise AtlasError("its points and their labels do not fit together")
    return Projection(
        energies,
        _array(given["axes"], (2, n), "axes"),
        _array(given["mean"], (n,), "mean"),
        (low, high),
        _array(given["points"], (m, 2), "points"),
        tuple(names[i] for i in label),
    )


def _array(given: Any, shape: tuple[int, ...], name: str, gaps: bool = False) -> Array:
    found = np.array(given, dtype=np.float64)  # None becomes NaN
    if found.shape != shape:
        raise AtlasError(f"its {name} have the shape {found.shape}, not {shape}")
    if not (np.isfinite(found).any() if gaps else np.isfinite(found).all()):
        raise AtlasError(f"its {name} are not all numbers")
    return found


def _plain(values: Array, decimals: int) -> Any:
    rounded = np.round(values, decimals) + 0.0  # no -0.0
    return np.where(np.isfinite(rounded), rounded, np.array(None)).tolist()


def _has_hole(relative: Array, known: NDArray[np.bool_], energies: Array) -> bool:
    """Tell whether something between the first and the last known point is not known there."""
    first, last = relative[known][0], relative[known][-1]
    low, high = max(first, energies[0]), min(last, energies[-1])
    return bool(np.any(~known & (relative >= low) & (relative <= high)))
