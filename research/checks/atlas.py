"""Whether measured standards land on a model's map among training spectra of their class.

``python -m research.checks.atlas ../shared/data/experimental
--figure docs/reference/models/atlas.png > docs/reference/models/atlas.md``
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from live_lce.classifiers import Atlas, Registry
from live_lce.classifiers._atlas import NEAREST, Projection
from live_lce.datasets import read_standards
from live_lce.datasets._labelled import Enters
from live_lce.datasets._prepared import Prepared, prepare
from live_lce.datasets._rows import CLASSES
from live_lce.datasets._standards import normalized_or_reason
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array, NormalizedSpectrum

CUT = 15.0
"""Where scans are cut (eV from the finished scan's edge reference) to see how far they move."""
FAMILY = "lce"
COMMAND = (
    "python -m research.checks.atlas ../shared/data/experimental"
    " --figure docs/reference/models/atlas.png > docs/reference/models/atlas.md"
)
COLOURS = {"T4": "#E69F00", "S5": "#009E73", "O6": "#0072B2"}


@dataclass(frozen=True)
class Placed:
    """A measured standard on its absorber's map.

    Parameters
    ----------
    absorber, label, group : str
        What it is.
    place : ndarray of shape (2,)
        Where it lies.
    nearest : str
        The commonest class of the training spectra around it.
    cut : ndarray of shape (2,), optional
        Where it lies as a scan that ended at :data:`CUT`; None where that has no place.
    nearest_cut : str
        The class there.
    """

    absorber: str
    label: str
    group: str
    place: Array
    nearest: str
    cut: Array | None
    nearest_cut: str

    @property
    def right(self) -> bool:
        """Whether the class around it is its own."""
        return self.nearest == self.label


def place_all(known: Sequence[Prepared], atlases: Mapping[str, Atlas]) -> list[Placed]:
    """Return the standards of T4, S5 and O6 that have a place on a map."""
    placed = []
    for one in known:
        atlas = atlases.get(one.row.absorber)
        if atlas is None or atlas.projection is None or one.normalized is None:
            continue
        if one.row.enters is not Enters.SCORES:
            continue
        place = _place(atlas.projection, one.normalized)
        if place is None:
            continue
        early = _cut(one)
        cut = None if early is None else _place(atlas.projection, early)
        placed.append(
            Placed(
                one.row.absorber,
                one.row.label,
                one.row.group,
                place,
                _nearest(atlas.projection, place),
                cut,
                "" if cut is None else _nearest(atlas.projection, cut),
            )
        )
    return placed


def _place(on: Projection, spectrum: NormalizedSpectrum) -> Array | None:
    return on.project(spectrum.energy, spectrum.norm, spectrum.edge_reference)


def _nearest(on: Projection, place: Array) -> str:
    return next(iter(on.shares(place)))


def _cut(one: Prepared) -> NormalizedSpectrum | None:
    """Return the scan as it was at :data:`CUT`, normalized anew."""
    whole, raw = one.normalized, one.row.spectrum
    if whole is None:
        return None
    kept = raw.energy <= whole.edge_reference - whole.energy_shift + CUT
    part = replace(raw, energy=raw.energy[kept], mu=raw.mu[kept], reference=None, normalized=None)
    found = normalized_or_reason(replace(one.row, spectrum=part), AnalysisSettings())
    return None if isinstance(found, str) else found


def among_themselves(on: Projection) -> float:
    """Return how often the training spectra around one of them are of its class."""
    right = []
    for i, label in enumerate(on.labels):
        rest = replace(
            on,
            points=np.delete(on.points, i, axis=0),
            labels=on.labels[:i] + on.labels[i + 1 :],
        )
        right.append(_nearest(rest, on.points[i]) == label)
    return float(np.mean(right))


def by_group(placed: Sequence[Placed]) -> float:
    """Return the share that is right, each group of measurements of one compound counted once."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one in placed:
        found[one.group].append(one.right)
    return float(np.mean([np.mean(group) for group in found.values()]))


def page(placed: Sequence[Placed], atlases: Mapping[str, Atlas], version: str) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The atlas of a model"
    yield ""
    yield f"Written by `{COMMAND}`.  Models: {FAMILY} {version}."
    yield ""
    yield "A model file carries the medoid of each class and a map of its training spectra"
    yield "([decision 19](../../explanations/decisions/0019-a-model-carries-an-atlas.md))."
    yield "They change no answer."
    yield ""
    yield "## Medoids"
    yield ""
    yield "| absorber | class | training spectrum | source |"
    yield "|---|---|---|---|"
    for absorber, atlas in sorted(atlases.items()):
        for medoid in atlas.medoids:
            yield f"| {absorber} | {medoid.label} | {medoid.name} | {medoid.source} |"
    yield ""
    yield "## The map"
    yield ""
    yield f"Told by the commonest class of the {NEAREST} training spectra nearest to a spectrum."
    yield "Every class has as many spectra on the map, so chance is right once in three."
    yield "`computed` are training spectra among the others; the axes were fitted to spectra like"
    yield "them. `measured` are standards, which no map has seen, though the shrinkage was chosen"
    yield "with them in view."
    yield ""
    yield from _table(placed, atlases)
    yield ""
    yield from _words(placed)
    yield ""
    yield "Metals, sulfides and halides land somewhere on the map too, because it knows the three"
    yield "environments only. `ood_score` says whether a spectrum is any of these."
    yield ""
    yield "![The maps](atlas.png)"
    yield ""
    yield "Small points are training spectra; large points with a black rim are measured"
    yield "standards."


def _table(placed: Sequence[Placed], atlases: Mapping[str, Atlas]) -> Iterator[str]:
    yield f"| absorber | points | computed | measured | {' | '.join(CLASSES)} |"
    yield "|---" * (4 + len(CLASSES)) + "|"
    for absorber, atlas in sorted(atlases.items()):
        if atlas.projection is not None:
            own = [one for one in placed if one.absorber == absorber]
            among = f"{len(atlas.projection.points)} | {among_themselves(atlas.projection):.2f}"
            yield f"| {absorber} | {among} | {_counts(own)} |"
    yield f"| all | | | {_counts(placed)} |"


def _counts(placed: Sequence[Placed]) -> str:
    parts = [placed, *(_labelled(placed, label) for label in CLASSES)]
    return " | ".join(f"{sum(o.right for o in p)} of {len(p)}" if p else "-" for p in parts)


def _words(placed: Sequence[Placed]) -> Iterator[str]:
    always = [replace(one, nearest="O6") for one in placed]
    for name, of in (("The map is right", placed), ("Always O6 is right", always)):
        share = np.mean([one.right for one in of])
        parts = [part for label in CLASSES if (part := _labelled(of, label))]
        even = np.mean([by_group(part) for part in parts])
        yield f"{name} for {share:.2f} of {len(of)} measured standards, by compound"
        yield f"{by_group(of):.2f}, in the mean of the classes by compound {even:.2f}."
    yield "The map is a plane through what the model sees. It is not a second opinion: the models"
    yield "are right more often ([lce](lce.md))."
    yield ""
    cut = [(one, one.cut) for one in placed if one.cut is not None]
    moved = np.median([np.linalg.norm(place - one.place) for one, place in cut])
    same = np.mean([one.nearest_cut == one.nearest for one, _ in cut])
    yield f"Scans that end at {CUT:+g} eV, normalized anew: {len(cut)} of {len(placed)} have a"
    yield f"place, {same:.2f} of them among the same class; the median moves by {moved:.2f}, where"
    yield "1 is the standard deviation within a class."


def _labelled(placed: Sequence[Placed], label: str) -> list[Placed]:
    return [one for one in placed if one.label == label]


def draw(placed: Sequence[Placed], atlases: Mapping[str, Atlas], path: Path) -> None:
    """Draw all maps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 4, figsize=(12, 6), constrained_layout=True)
    for panel, (absorber, atlas) in zip(panels.flat, sorted(atlases.items()), strict=False):
        on = atlas.projection
        if on is None:
            continue
        labels = np.array(on.labels)
        for label, colour in COLOURS.items():
            x, y = on.points[labels == label].T
            panel.scatter(x, y, s=5, color=colour, linewidths=0, label=label)
            own = [o.place for o in placed if (o.absorber, o.label) == (absorber, label)]
            if own:
                panel.scatter(*np.array(own).T, s=28, color=colour, edgecolors="black")
        panel.set_title(absorber, fontsize=10)
        panel.tick_params(labelsize=7)
    panels[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=75, metadata={"Software": None})
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(prog="research.checks.atlas", description=__doc__)
    parser.add_argument("folder", type=Path, help="the experimental set, with index.csv")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--figure", type=Path, help="PNG to draw the maps to")
    options = parser.parse_args(argv)
    registry = Registry(options.models)
    cards = [card for card in registry.cards() if card.family == FAMILY]
    found = {card.absorber: registry.session(card).atlas for card in cards}
    atlases = {absorber: atlas for absorber, atlas in found.items() if atlas is not None}
    if not atlases:
        parser.error(f"no model of {options.models} carries an atlas: train {FAMILY} anew")
    rows = [row for row in read_standards(options.folder) if row.absorber in atlases]
    placed = place_all(prepare(rows, AnalysisSettings()), atlases)
    if not placed:
        parser.error(f"{options.folder}: no standard of T4, S5 or O6 has a place on a map")
    versions = ", ".join(sorted({card.version for card in cards}))
    sys.stdout.write("\n".join(page(placed, atlases, versions)) + "\n")
    if options.figure is not None:
        draw(placed, atlases, options.figure)


if __name__ == "__main__":
    main()
