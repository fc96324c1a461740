"""Faults of a beamline that end in a wrong answer if nobody looks: how many are answered.

Scans of the simulator's standards, made as a beamline would record them, with one fault each:
the beam is lost for some points (432 trials), the sample is too thick (63), a fluorescence
channel fails (54), or only fluorescence shows the edge (18).  Counted are wrong labels, and
edge steps that are off by more than 20 %, with a remark and without.

With ``--measured`` the same rules look at scans that were measured well, which must not change:
the folder holds ``index.csv`` with ``spectra/``, and ``bmm_scan_quality.parquet``.

    python benchmarks/silent_faults.py [--measured FOLDER] [--list]
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_lce.analysis import Analysis, analyse
from live_lce.classifiers import Registry
from live_lce.settings import AnalysisSettings
from live_lce.sim.library import Sample
from live_lce.spectra import Readings, Spectrum, SpectrumRejectedError, assemble, tabulated_edge

Array = NDArray[np.float64]

SAMPLES = ("Fe-andradite", "Cr-tarapacaite", "V-wakefieldite")
FLUX = 1.0e6
OFF = 0.2
"""An edge step off by more than this is one that must not go without a remark."""
USUAL = {"post_edge_short", "over_absorption", "metal_like", "ignored"}
"""Remarks that are no word about the fault."""


@dataclass(frozen=True)
class Trial:
    """A scan with a fault.

    Parameters
    ----------
    name : str
        For people.
    energy : ndarray of shape (n_points,)
        In eV.
    signals : dict of str to ndarray of shape (n_points,)
        What the detectors read.
    sample : Sample
        What was in the beam.
    step : float
        The edge step that a faultless detector sees, in units of mu.
    """

    name: str
    energy: Array
    signals: dict[str, Array]
    sample: Sample
    step: float

    @property
    def label(self) -> str:
        """The true environment."""
        return max(self.sample.truth, key=lambda label: self.sample.truth[label])


@dataclass
class Counts:
    """What became of the trials of one kind."""

    trials: int = 0
    wrong: int = 0
    wrong_unsaid: int = 0
    off: int = 0
    off_unsaid: int = 0
    refused: int = 0
    listed: list[str] = field(default_factory=list)

    def add(self, trial: Trial, found: Analysis) -> None:
        """Take one in."""
        self.trials += 1
        said = found.prediction
        remarks = {finding.reason.value for finding in said.findings} - USUAL
        if not said.label:
            self.refused += 1
            return
        step = found.normalized.edge_step if found.normalized else float("nan")
        wrong, off = said.label != trial.label, abs(step / trial.step - 1) > OFF
        self.wrong += wrong
        self.wrong_unsaid += wrong and not remarks
        self.off += off
        self.off_unsaid += off and not remarks
        if wrong or off:
            what = f"{said.label} for {trial.label}" if wrong else "step"
            self.listed.append(f"{trial.name}: {what}, {step:.3g} for {trial.step:.3g}, {remarks}")


def grid(e0: float) -> Array:
    """Return the energies (eV) of a usual XANES scan."""
    return np.concatenate(
        [
            np.arange(e0 - 150, e0 - 20, 5.0),
            np.arange(e0 - 20, e0 + 40, 1.0),
            np.arange(e0 + 40, e0 + 301, 5.0),
        ]
    )


def chambers(energy: Array, sample: Sample, rng: np.random.Generator) -> dict[str, Array]:
    """Return I0 and It: a beam that decays and flickers, counted."""
    beam = FLUX * np.linspace(1, 0.95, energy.size) * rng.normal(1, 1e-3, energy.size)
    behind = beam * np.exp(-sample.absorbance(energy))
    return {"I0": rng.poisson(beam).astype(float), "It": rng.poisson(behind).astype(float)}


def elements(energy: Array, sample: Sample, i0: Array, rng: np.random.Generator) -> list[Array]:
    """Return four fluorescence channels of a dilute sample."""
    rate = 0.02 * (sample.norm(energy) + 0.1)
    return [rng.poisson(i0 * rate * part).astype(float) for part in (1.0, 0.9, 1.1, 0.7)]


def beam_lost() -> Iterator[Trial]:
    """Lose the beam: at six places, for three lengths, to four levels, and with two detectors."""
    places, lengths = (-150.0, -60.0, -12.0, 0.0, 15.0, 100.0), (1, 4, 12)
    levels = {"1/20000": (5.0e-5, 4.0e-5), "1/100": (1e-2, 8e-3), "1/12": (8e-2, 3e-2), "0": (0, 0)}
    cases = itertools.product(SAMPLES, places, lengths, levels, ("transmission", "fluorescence"))
    for number, (key, place, length, level, mode) in enumerate(cases):
        rng = np.random.default_rng(number)
        sample = Sample({key: 1.0}, edge_step=1.0)
        e0 = tabulated_edge(sample.absorber, sample.edge)
        energy = grid(e0)
        signals = chambers(energy, sample, rng)
        step = 1.0
        if mode == "fluorescence":
            parts = elements(energy, sample, signals["I0"], rng)
            signals = {"I0": signals["I0"], "If": np.sum(parts, axis=0)}
            step = 0.02 * 3.7
        first = int(np.searchsorted(energy, e0 + place))
        lost = slice(first, first + length)
        n = energy[lost].size
        for values, dark in zip(signals.values(), levels[level], strict=True):
            values[lost] = dark * FLUX * rng.normal(1, 0.05, n) if dark else 0.0
        name = f"{key} {mode} {place:+.0f} eV {length} points to {level}"
        yield Trial(name, energy, signals, sample, step)


def too_thick() -> Iterator[Trial]:
    """Measure through samples of seven thicknesses, at three dark levels of It."""
    for number, (key, step, dark) in enumerate(
        itertools.product(SAMPLES, (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0), (0.0, 1e-4, 1e-3))
    ):
        sample = Sample({key: 1.0}, edge_step=step, matrix=0.5 * step)
        energy = grid(tabulated_edge(sample.absorber, sample.edge))
        rng = np.random.default_rng(number)
        signals = chambers(energy, sample, rng)
        before = float(np.median(signals["It"][:20]))
        signals["It"] = signals["It"] + dark * before + (1.0 if dark == 0 else 0.0)
        yield Trial(f"{key} edge step {step:g}, dark {dark:g}", energy, signals, sample, step)


def channel_failed() -> Iterator[Trial]:
    """Let one of four fluorescence channels be paralysed, stick, die or clip."""
    faults = ("paralysed", "slightly paralysed", "stuck", "dead", "dies", "clipped")
    for number, (key, fault, seed) in enumerate(itertools.product(SAMPLES, faults, range(3))):
        rng = np.random.default_rng(1000 + number + seed)
        sample = Sample({key: 1.0}, edge_step=1.0)
        e0 = tabulated_edge(sample.absorber, sample.edge)
        energy = grid(e0)
        i0 = chambers(energy, sample, rng)["I0"]
        parts = elements(energy, sample, i0, rng)
        last, after = parts[3], energy > e0 + 5
        if fault == "paralysed":
            parts[3] = np.round(3e5 * np.exp(-last / last.max() * 3))
        elif fault == "slightly paralysed":
            parts[3] = np.round(last * 3 * np.exp(-last / last.max() * 1.5))
        elif fault == "stuck":
            parts[3] = np.where(after, last[after][0], last)
        elif fault == "dead":
            parts[3] = np.zeros(last.shape)
        elif fault == "dies":
            parts[3] = np.where(after, 0.0, last)
        else:
            parts[3] = np.minimum(last, 0.6 * last.max())
        signals = {"I0": i0, **{f"If{n}": values for n, values in enumerate(parts)}}
        yield Trial(f"{key} {fault} {seed}", energy, signals, sample, 0.02 * (3.7 - 0.7))


def dilute() -> Iterator[Trial]:
    """Record It and If of a sample that is seen in If only."""
    for number, (key, matrix) in enumerate(itertools.product(SAMPLES, (0.5, 1, 2, 3, 4, 6))):
        rng = np.random.default_rng(2000 + number)
        sample = Sample({key: 1.0}, edge_step=2e-4, matrix=matrix)
        energy = grid(tabulated_edge(sample.absorber, sample.edge))
        signals = chambers(energy, sample, rng)
        parts = elements(energy, sample, signals["I0"], rng)
        signals["If"] = np.sum(parts, axis=0)
        yield Trial(f"{key} matrix {matrix:g}", energy, signals, sample, 0.02 * 3.7)


KINDS = {
    "beam lost": beam_lost,
    "too thick": too_thick,
    "a channel fails": channel_failed,
    "seen in If only": dilute,
}


def look(trial: Trial, registry: Registry, settings: AnalysisSettings) -> Analysis:
    """Analyse a trial as `classify` and the running scan do."""
    channels = tuple(name for name in trial.signals if name.startswith("If"))
    it = "It" if "It" in trial.signals else ""
    readings = Readings(
        trial.energy,
        trial.signals,
        i0="I0",
        it=it,
        fluorescence=channels,
        absorber=trial.sample.absorber,
        edge=trial.sample.edge,
    )
    try:
        spectrum = assemble(readings)
    except SpectrumRejectedError as error:
        nothing = Spectrum(np.empty(0), np.empty(0), findings=error.findings)
        return analyse(nothing, registry, settings)
    return analyse(spectrum, registry, settings)


def measured(folder: Path) -> Iterator[tuple[str, Spectrum]]:
    """Yield what was measured, by kind: standards, and one beamline's good and bad scans."""
    with (folder / "index.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["quality"] != "ok" or "raw" not in row["data_kind"]:
                continue
            energy, mu = np.loadtxt(folder / row["file"], usecols=(0, 1), unpack=True)
            yield "standards", Spectrum(energy, mu, row["absorber"], row["edge"])
    import pandas as pd

    for row in pd.read_parquet(folder / "bmm_scan_quality.parquet").itertuples():
        kind = "scans called good" if row.score else "scans called bad"
        energy, mu = np.array(row.energy), np.array(row.mu)
        yield kind, Spectrum(energy, mu, row.absorber, row.edge, mode=row.mode)


def summary(found: Iterable[tuple[str, Analysis]]) -> dict[str, Counter[str]]:
    """Count what was said of measured scans: the deciding reason of a refusal, and remarks."""
    counts: dict[str, Counter[str]] = {}
    for kind, one in found:
        counter = counts.setdefault(kind, Counter())
        counter["scans"] += 1
        said = one.prediction
        if said.status.value == "rejected" and said.findings[0].reason.value != "no_model":
            counter["refused"] += 1
        counter.update(f.reason.value for f in said.findings if f.reason.value != "no_model")
    return counts


def main() -> None:
    """Print the table, and what went wrong if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, help="folder of measured spectra")
    parser.add_argument("--list", action="store_true", help="name the trials that went wrong")
    options = parser.parse_args()
    registry, settings = Registry(), AnalysisSettings()
    print("| fault | trials | no answer | wrong label | unsaid | edge step off | unsaid |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    listed = []
    for name, make in KINDS.items():
        c = Counts()
        for trial in make():
            c.add(trial, look(trial, registry, settings))
        cells = (name, c.trials, c.refused, c.wrong, c.wrong_unsaid, c.off, c.off_unsaid)
        print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
        listed += c.listed
    if options.list:
        print("\n".join(listed))
    if options.measured:
        found = ((k, analyse(s, registry, settings)) for k, s in measured(options.measured))
        for kind, counter in summary(found).items():
            print(kind, dict(counter.most_common()))


if __name__ == "__main__":
    main()
