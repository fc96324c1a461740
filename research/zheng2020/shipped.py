"""The shipped forests: what their cards say, and what they say of the benchmark."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from live_lce.classifiers import ModelCard, Registry
from live_lce.classifiers._classify import classify_stack
from live_lce.settings import AnalysisSettings, Classification
from live_lce.spectra import Spectrum, SpectrumRejectedError, normalize
from research.zheng2020.benchmark import Benchmark
from research.zheng2020.labels import coarse

FAMILY = "zheng-rf"
CALLS = 200


@dataclass(frozen=True)
class Shipped:
    """One shipped model.

    Parameters
    ----------
    card : ModelCard
        Its card.
    megabytes : float
        Size of the ONNX file.
    milliseconds : float
        Median time for one spectrum in onnxruntime, one thread.
    benchmark : tuple of (str, str, str, str)
        Compound, class of the paper's label, class with the highest probability, status; of each
        measured spectrum.
    """

    card: ModelCard
    megabytes: float
    milliseconds: float
    benchmark: tuple[tuple[str, str, str, str], ...]


def shipped(folder: Path | None, benchmarks: Mapping[str, Benchmark]) -> list[Shipped]:
    """Run the shipped models on the benchmark by the live pipeline.

    Parameters
    ----------
    folder : Path or None
        Of the models; by default those that came with live_lce.
    benchmarks : mapping
        By absorber.
    """
    registry = Registry() if folder is None else Registry(folder)
    settings = AnalysisSettings(classification=Classification(family=FAMILY))
    found = []
    for card in registry.cards():
        if card.family != FAMILY:
            continue
        size = registry.path(card.name).stat().st_size / 1e6
        one = benchmarks.get(card.absorber)
        said = _said(card.absorber, one, registry, settings) if one else ()
        found.append(Shipped(card, size, _time(card, registry), said))
    return found


def _said(
    absorber: str, benchmark: Benchmark, registry: Registry, settings: AnalysisSettings
) -> tuple[tuple[str, str, str, str], ...]:
    lines = []
    labels = benchmark.labels
    each = zip(benchmark.compound, benchmark.spectra, labels.cn, labels.motif, strict=True)
    for compound, (energy, mu), cn, motif in each:
        wanted = coarse(str(cn), str(motif))
        try:
            spectrum = normalize(Spectrum(energy, mu, absorber, "K", "mu", True), settings)
        except SpectrumRejectedError as error:
            lines.append((compound, wanted, "–", f"rejected: {error.finding.reason.value}"))
            continue
        decision = classify_stack([spectrum], registry, settings)[0]
        likeliest = "–"
        if decision.probabilities is not None:
            likeliest = decision.classes[int(decision.probabilities.argmax())]
        status = decision.status.value + (f": {decision.reason}" if not decision.answered else "")
        lines.append((compound, wanted, likeliest, status))
    return tuple(lines)


def _time(card: ModelCard, registry: Registry) -> float:
    session = registry.session(card)
    values = np.linspace(0.0, 1.0, card.grid.n_points, dtype=np.float32)[None]
    taken = []
    for _ in range(CALLS):
        start = time.perf_counter()
        session.run(values)
        taken.append(time.perf_counter() - start)
    return 1e3 * float(np.median(taken))
