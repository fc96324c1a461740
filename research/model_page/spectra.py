"""Spectra of the compounds that a model gets wrong, among computed ones of their class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared
from live_lce.spectra import Array, to_grid
from research.model_page.compounds import Compound
from research.model_page.figures import COLOURS, pyplot, save

GRID = np.arange(-15.0, 40.0 + 1e-9, 0.5)
"""Relative to the edge reference (eV)."""
LEVEL = (5.0, 15.0)
"""Spectra are divided by their mean over this range (eV)."""
_BEHIND = (LEVEL[0] <= GRID) & (LEVEL[1] >= GRID)
MOST, COLUMNS = 36, 6
BAND = (10, 90)
"""Percentiles of the computed spectra between which a class is coloured."""


def draw_wrong(
    compounds: Sequence[Compound],
    measured: Sequence[Prepared],
    computed: Sequence[Prepared],
    path: Path,
) -> int:
    """Draw wrong compounds in black, with the bands of the true and of the said class.

    Parameters
    ----------
    compounds : sequence of Compound
        At most :data:`MOST` of them are drawn.
    measured, computed : sequence of Prepared
        Where their spectra are, and those of the classes.
    path : Path
        Of the PNG file.

    Returns
    -------
    int
        How many compounds were drawn.
    """
    spectra = {one.row.id: one for one in measured}
    shown = compounds[:MOST]
    plt = pyplot()
    columns = max(1, min(COLUMNS, len(shown)))
    n_rows = max(1, -(-len(shown) // columns))
    size = (max(4.5, 2.1 * columns), 1.9 * n_rows + 0.5)
    figure, axes = plt.subplots(n_rows, columns, figsize=size, squeeze=False, sharex=True)
    bands: dict[tuple[str, str], Array | None] = {}
    for axis, one in zip(axes.flat, shown, strict=False):
        row, said = one.first.row, one.first.prediction.label
        for label in (row.label, said):
            key = (row.absorber, label)
            if key not in bands:
                bands[key] = _band(computed, *key)
            band = bands[key]
            if band is not None:
                axis.fill_between(GRID, *band, color=COLOURS[label], alpha=0.35, lw=0)
        for judged in one.spectra:
            values = on_grid(spectra[judged.row.id])
            if values is not None:
                axis.plot(GRID, values, color="k", lw=0.9)
        title = f"{row.absorber} {one.name[:26]}\n{row.label}, said {said}"
        axis.set_title(title, fontsize=7.5)
        axis.set_yticks(())
    for axis in axes.flat[len(shown) :]:
        axis.set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=c, alpha=0.5) for c in COLOURS.values()]
    figure.legend(handles, list(COLOURS), loc="outside upper center", ncols=len(COLOURS))
    figure.supxlabel("E - edge reference / eV", fontsize=9)
    save(figure, path)
    return len(shown)


def on_grid(one: Prepared) -> Array | None:
    """Return a spectrum over its level, (n_grid,), NaN where not measured; None without it."""
    spectrum = one.normalized
    if spectrum is None or not np.isfinite(spectrum.edge_reference):
        return None
    values, _ = to_grid(spectrum.energy, spectrum.norm, spectrum.edge_reference, GRID)
    behind = values[_BEHIND]
    level = float(behind[np.isfinite(behind)].mean()) if np.isfinite(behind).any() else 0.0
    return values / level if level > 0 else None


def _band(computed: Sequence[Prepared], absorber: str, label: str) -> Array | None:
    """Return low and high percentiles of a class, (2, n_grid); None without spectra."""
    of_class = [
        values
        for one in computed
        if one.row.absorber == absorber
        and one.row.label == label
        and one.row.enters in (Enters.SCORES, Enters.OOD_AUROC)
        and (values := on_grid(one)) is not None
    ]
    if not of_class:
        return None
    stacked = np.stack(of_class)
    there = np.isfinite(stacked).any(axis=0)
    band = np.full((2, GRID.size), np.nan)
    band[:, there] = np.nanpercentile(stacked[:, there], BAND, axis=0)
    return band
