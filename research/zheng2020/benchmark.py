"""The experimental benchmark of Zheng et al., and the ablation of their Table 1 on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.spectra import Array
from research.zheng2020.crossval import N_FOLDS, Prepared, fit, judge
from research.zheng2020.labels import RankedLabels, names
from research.zheng2020.metrics import Scores, score
from research.zheng2020.samples import AVERAGED, MIXTURE, SITE
from research.zheng2020.two_step import Maker, random_forest
from research.zheng2020.window import Window, scaled

SET = "zheng2020-benchmark"
SITE_ONLY, SITE_AND_AVERAGED = "site", "site and averaged"
PAPER = {
    (SITE_AND_AVERAGED, True): (0.821, 0.804),
    (SITE_AND_AVERAGED, False): (0.786, 0.768),
    (SITE_ONLY, True): (0.643, 0.625),
    (SITE_ONLY, False): (0.714, 0.696),
}
"""Table 1: accuracy and Jaccard score by source of the training spectra and augmentation."""


@dataclass(frozen=True)
class Benchmark:
    """Measured spectra of one absorber with the paper's labels.

    Parameters
    ----------
    id, compound : tuple of str
        As in ``index.csv``.
    quality : tuple of str
        As in ``index.csv``.
    spectra : tuple of (energy, mu)
        As in the files.
    labels : RankedLabels
        The paper's, of the structure that it takes for the compound's.
    """

    id: tuple[str, ...]
    compound: tuple[str, ...]
    quality: tuple[str, ...]
    spectra: tuple[tuple[Array, Array], ...]
    labels: RankedLabels

    def features(self, window: Window) -> NDArray[np.float32]:
        """Return features around the maximum of the derivative, ends carried on."""
        return scaled(np.stack([_on(window, *one) for one in self.spectra]).astype(np.float32))


def _on(window: Window, energy: Array, mu: Array) -> Array:
    e0 = energy[int(np.gradient(mu, energy).argmax())]
    values: Array = np.interp(e0 + window.grid.energies, energy, mu)
    return values


def read_benchmark(folder: Path) -> dict[str, Benchmark]:
    """Read the benchmark's rows that have a label with a motif.

    Parameters
    ----------
    folder : Path
        Holds ``index.csv``.

    Returns
    -------
    dict
        By absorber.

    Raises
    ------
    ValueError
        If a row's notes hold no label.
    """
    import pandas as pd

    table = pd.read_csv(folder / "index.csv")
    table = table[table["set"] == SET]
    found: dict[str, list[Any]] = {}
    row: Any
    for row in table.itertuples():
        stated, _, _ = str(row.notes).partition(";")
        start, colon, label = stated.partition("paper label: ")
        if start or not colon or " / " not in f"{label} ":
            raise ValueError(f"{row.id}: no `paper label: CN / motif` in its notes")
        cn, motif = (part.strip() for part in label.split("/"))
        energy, mu = np.loadtxt(folder / row.file, comments="#", usecols=(0, 1)).T
        found.setdefault(row.absorber, []).append(
            (row.id, row.compound, row.quality, (energy, mu), cn, motif)
        )
    return {absorber: _benchmark(rows) for absorber, rows in found.items()}


def _benchmark(rows: list[Any]) -> Benchmark:
    ids, compounds, quality, spectra, cn, motif = zip(*rows, strict=True)
    top = [int(names(one, "")[0].removeprefix("CN_")) for one in cn]
    labels = RankedLabels(np.array(cn), np.array(motif), np.array(top, dtype=np.intp))
    return Benchmark(ids, compounds, quality, spectra, labels)


def trained_on(data: Prepared, source: str) -> NDArray[np.bool_]:
    """Tell which samples a row of Table 1 is trained on."""
    kinds = [SITE] if source == SITE_ONLY else [SITE, AVERAGED, MIXTURE]
    return np.isin(data.samples.kind, kinds)


def said_of(
    data: Prepared,
    benchmark: Benchmark,
    source: str,
    augment: bool,
    seed: int,
    make: Maker = random_forest,
) -> RankedLabels:
    """Return what a model trained on all of one absorber's spectra says of the benchmark."""
    model = fit(data.take(trained_on(data, source)), make, seed, augment)
    return model.predict(benchmark.features(data.window))


def held_out(
    data: Prepared, fold: NDArray[np.intp], source: str, augment: bool, seed: int
) -> tuple[Scores, Scores | None]:
    """Score one row of Table 1 on computed spectra of other groups.

    Returns
    -------
    sites : Scores
        On single sites.
    averaged : Scores or None
        On averages and mixtures, if there are any.
    """
    used = trained_on(data, source)
    models = [
        fit(data.take(used & (fold != k)), random_forest, seed + k, augment) for k in range(N_FOLDS)
    ]
    said = judge(data, fold, models)
    site = data.samples.kind == SITE
    rest = np.isin(data.samples.kind, [AVERAGED, MIXTURE])
    both = [score(data.labels.take(c), said.take(c)) if c.any() else None for c in (site, rest)]
    assert both[0] is not None  # noqa: S101 - there are always sites
    return both[0], both[1]
