"""Whether the energies that occlusion names matter, and which regions answers rest on.

``python -m research.checks.occlusion ../shared/data/experimental >
docs/reference/models/occlusion.md``
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from live_lce.classifiers import ModelCard, Occlusion, Registry, occlusion
from live_lce.classifiers._occlusion import REGIONS, SMOOTHING, STRETCH, log_odds, smoothed_away
from live_lce.classifiers._session import Session
from live_lce.contract import OTHER
from live_lce.datasets import read_standards
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import prepare
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array, to_grid
from live_lce.spectra._features import coverage

FAMILY = "lce"
COMMAND = (
    "python -m research.checks.occlusion ../shared/data/experimental"
    " > docs/reference/models/occlusion.md"
)
HALF = 1.5
"""Half the width of a stretch that is drawn straight (eV)."""
BUMP = 0.05
"""Height of a bump that is added (edge steps)."""
LEAST = 0.05
"""Fall of the odds' logarithm below which an answer rests on no stretch alone."""
Change = Callable[[Array, Array, Array], Array]
"""Energies, values and the medoids' mean to the spectrum changed around each energy."""


@dataclass(frozen=True)
class Asked:
    """One answered standard.

    Parameters
    ----------
    absorber : str
        Of it.
    found : Occlusion
        What its answer rests on.
    moved : mapping
        By change: how far the logarithm of the odds falls, (n_grid,), if it is made there.
    """

    absorber: str
    found: Occlusion
    moved: Mapping[str, Array]


def _smoothed(at: Array, values: Array, _: Array) -> Array:
    return smoothed_away(at, values)


def _straight(at: Array, values: Array, _: Array) -> Array:
    known = np.flatnonzero(np.isfinite(values))
    changed = np.repeat(values[None], at.size, axis=0)
    half = round(HALF / (at[1] - at[0])) + 1
    for i in known:
        ends = [max(i - half, known[0]), min(i + half, known[-1])]
        inside = slice(ends[0], ends[1] + 1)
        changed[i, inside] = np.interp(at[inside], at[ends], values[ends])
    return changed


def _medoids(at: Array, values: Array, mean: Array) -> Array:
    return np.asarray(values + _window(at) * (mean - values))


def _up(at: Array, values: Array, _: Array) -> Array:
    return np.asarray(values + BUMP * _window(at))


def _down(at: Array, values: Array, _: Array) -> Array:
    return np.asarray(values - BUMP * _window(at))


def _window(at: Array) -> Array:
    window: Array = np.exp(-(((at - at[:, None]) / STRETCH) ** 2) / 2)
    return window


COVERS: Mapping[str, Change] = {
    "smoothed (used)": _smoothed,
    "a straight line": _straight,
    "the mean of the medoids": _medoids,
}
CHANGES: Mapping[str, Change] = {**COVERS, f"+{BUMP}": _up, f"-{BUMP}": _down}


def ask(session: Session, card: ModelCard, values: Array) -> Asked:
    """Change a spectrum at each energy in each way, and see how the odds of its answer fall."""
    found = occlusion(session, card, values)
    which = card.classes.index(found.label)
    moved = {}
    for name, change in CHANGES.items():
        changed = change(card.grid.energies, values, _mean_of_medoids(session, card, values))
        said = session.run(changed).probabilities[:, which]
        fall = log_odds(np.array(found.probability)) - log_odds(said)
        moved[name] = np.where(np.isfinite(values), fall, np.nan)
    return Asked(card.absorber, found, moved)


def _mean_of_medoids(session: Session, card: ModelCard, values: Array) -> Array:
    at = card.grid.energies
    medoids = session.atlas.medoids if session.atlas is not None else ()
    drawn = [medoid.beside(at, values) for medoid in medoids]
    whole = [np.interp(at, at[np.isfinite(m)], m[np.isfinite(m)]) for m in drawn]
    return np.asarray(np.mean(whole, axis=0))


def rank(asked: Sequence[Asked], by: str, change: str) -> float:
    """Return at what share of energies a change moves the odds less than at the chosen one."""
    ranks = []
    for one in asked:
        known = np.isfinite(one.moved[by])
        best = int(np.nanargmax(one.moved[by]))
        moved = np.abs(one.moved[change])
        ranks.append(np.mean(moved[known] < moved[best]))
    return float(np.mean(ranks))


def page(asked: Sequence[Asked], version: str) -> Iterator[str]:
    """Yield the lines of the page."""
    resting = [one for one in asked if np.nanmax(one.found.importance) >= LEAST]
    yield "# Which energies an answer rests on"
    yield ""
    yield f"Written by `{COMMAND}`.  Models: {FAMILY} {version}.  {len(asked)} measured"
    yield "standards of T4, S5 and O6, each asked about its most probable class where that reaches"
    yield "the model's limit.  The method and what it cannot tell:"
    yield "`live_lce/classifiers/_occlusion.py`."
    yield ""
    yield "## Are these the energies that matter?"
    yield ""
    yield "Each row covers the spectrum in another way and takes the stretch where the odds of"
    yield "the answer fall most. Each column changes the spectrum in one way, at every energy,"
    yield "and gives the share of energies at which the change moves the odds less than at that"
    yield "stretch. Chance gives 0.5. A row is"
    yield f"judged by the columns of other ways.  Covered: a Gaussian window of {STRETCH:g} eV"
    yield f"(standard deviation), smoothed by {SMOOTHING:g} eV; {2 * HALF:g} eV drawn straight;"
    yield f"a window of the mean of the medoids; a bump of {BUMP:g} edge steps added or taken off."
    if weak := len(asked) - len(resting):
        yield f"{weak} answers rest on no stretch alone (odds fall by less than"
        yield f"{np.exp(LEAST) - 1:.0%}) and are left out."
    yield ""
    yield f"| chosen by | {' | '.join(CHANGES)} | mean of other ways |"
    yield "|---" * (len(CHANGES) + 2) + "|"
    for by in COVERS:
        found = {change: rank(resting, by, change) for change in CHANGES}
        others = np.mean([value for change, value in found.items() if change != by])
        yield f"| {by} | {' | '.join(f'{v:.2f}' for v in found.values())} | {others:.2f} |"
    yield ""
    yield "## Regions"
    yield ""
    low, high = REGIONS["main"]
    yield f"Mean share of what speaks for the answer: pre-edge below {low:+g} eV, main edge with"
    yield f"the white line, post-edge from {high:+g} eV (from the edge reference)."
    yield ""
    yield f"| absorber | answer | n | {' | '.join(REGIONS)} | odds fall at most by a factor of |"
    yield "|---" * (4 + len(REGIONS)) + "|"
    groups: dict[tuple[str, str], list[Occlusion]] = defaultdict(list)
    for one in asked:
        groups[one.absorber, one.found.label].append(one.found)
    for (absorber, label), of in sorted(groups.items()):
        shares = " | ".join(f"{np.mean([o.regions[r] for o in of]):.2f}" for r in REGIONS)
        most = np.exp(np.median([np.nanmax(o.importance) for o in of]))
        yield f"| {absorber} | {label} | {len(of)} | {shares} | {most:.1f} (median) |"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(prog="research.checks.occlusion", description=__doc__)
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    options = parser.parse_args(argv)
    registry = Registry(options.models)
    cards = {card.absorber: card for card in registry.cards() if card.family == FAMILY}
    if not all(registry.session(card).atlas for card in cards.values()):
        parser.error(f"a model of {options.models} carries no atlas: train {FAMILY} anew")
    rows = [row for row in read_standards(options.folder) if row.absorber in cards]
    asked = []
    for one in prepare(rows, AnalysisSettings()):
        spectrum, card = one.normalized, cards[one.row.absorber]
        if spectrum is None or one.row.enters is not Enters.SCORES:
            continue
        if coverage(spectrum.energy, spectrum.edge_reference, card.needed) < 1:
            continue
        at = card.grid.energies
        values, _ = to_grid(spectrum.energy, spectrum.norm, spectrum.edge_reference, at)
        found = ask(registry.session(card), card, values)
        if found.found.probability >= card.min_confidence and found.found.label != OTHER:
            asked.append(found)
    versions = ", ".join(sorted({card.version for card in cards.values()}))
    sys.stdout.write("\n".join(page(asked, versions)) + "\n")


if __name__ == "__main__":
    main()
