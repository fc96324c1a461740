"""Collect the data of a report of a series from Tiled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from live_lce.contract import Status
from live_lce.results._catalog import PublishedRun, ResultsError
from live_lce.results._presentation import Look, in_order, looks
from live_lce.results._spectra import PublishedSpectrum, spectra_of
from live_lce.results._trend import TrendPoint, classes_of, split, trend
from live_lce.tiled import explain
from live_lce.tiled._connection import find_child

MOST_SPECTRA = 60
"""Small pictures of spectra in a report."""
MOST_SERIES = 12
"""Trends that are drawn each by itself."""
FEWEST = 3
"""A sample with fewer spectra is drawn together with the others of its absorber."""

_WITH_SPECTRUM = frozenset({Status.OK, Status.PARTIAL, Status.ABSTAIN})


@dataclass(frozen=True)
class Series:
    """Points that belong into one line of the summary, or into one figure.

    Parameters
    ----------
    sample : str
        Name; of several samples how many there are.
    absorber, edge : str
        What was measured.
    points : tuple of TrendPoint
        In order of time.
    """

    sample: str
    absorber: str
    edge: str
    points: tuple[TrendPoint, ...]

    @property
    def title(self) -> str:
        """Sample, absorber and edge."""
        return f"{self.sample or 'sample without a name'}: {self.absorber} {self.edge}".strip()


@dataclass(frozen=True)
class UsedModel:
    """A model that answered some of the runs.

    Parameters
    ----------
    name, version, sha256 : str
        Which one; empty where there was none.
    n_runs : int
        So many runs.
    card : mapping or None
        Its card as JSON, where it is at hand.
    """

    name: str
    version: str
    sha256: str
    n_runs: int
    card: Mapping[str, Any] | None


@dataclass(frozen=True)
class UsedSettings:
    """Settings that some of the runs were analysed with.

    Parameters
    ----------
    digest : str
        Their hash.
    n_runs : int
        So many runs.
    values : mapping of str to str
        Each setting, by its path.
    """

    digest: str
    n_runs: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class ReportData:
    """Everything that a report says.

    Parameters
    ----------
    runs : tuple of PublishedRun
        The analysis runs, by start of the raw run.
    points : tuple of TrendPoint
        Their final spectra, by time.
    summary : tuple of Series
        One a sample and absorber.
    drawn : tuple of Series
        One a figure.
    spectra : tuple of PublishedSpectrum
        Those that are shown.
    n_spectra : int
        How many they were chosen of.
    models, settings
        What the runs were analysed with, the most used first.
    versions : mapping of str to tuple of str
        Of each package, those in use.
    axis : mapping of str to float or None
        Where trends are drawn, by raw uid; None for the time.
    axis_label : str
        What `axis` is.
    """

    runs: tuple[PublishedRun, ...]
    points: tuple[TrendPoint, ...]
    summary: tuple[Series, ...]
    drawn: tuple[Series, ...]
    spectra: tuple[PublishedSpectrum, ...]
    n_spectra: int
    models: tuple[UsedModel, ...]
    settings: tuple[UsedSettings, ...]
    versions: Mapping[str, tuple[str, ...]]
    axis: Mapping[str, float] | None = None
    axis_label: str = ""

    def places(self, points: Iterable[TrendPoint]) -> list[float] | None:
        """Return where points are drawn, NaN where that is not known; None for their times."""
        if self.axis is None:
            return None
        return [self.axis.get(point.raw_uid, math.nan) for point in points]

    @cached_property
    def looks(self) -> dict[str, Look]:
        """How each class looks, the same in all parts of the report."""
        labels = (point.label for point in self.points if point.label)
        return looks(in_order([*classes_of(self.points), *labels]))

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Codes and in how many spectra they occur, the most frequent first."""
        found = Counter(code for p in self.points for code in p.reason.split(";") if code)
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def gather(
    container: Any, runs: Sequence[PublishedRun], cards: Mapping[str, Mapping[str, Any]]
) -> ReportData:
    """Return what a report says of runs.

    Costs a request for the settings, six for each run whose spectra are shown, and those of
    :func:`~live_lce.results._trend.trend`.

    Parameters
    ----------
    container : tiled container
        Where the runs are.
    runs : sequence of PublishedRun
        By start of the raw run.
    cards : mapping of str to mapping
        Model cards as JSON, by sha256.

    Raises
    ------
    ResultsError
        If the server fails.
    """
    points = sorted(trend(container, runs), key=_time)
    summary = tuple(_series(key[0], found) for key, found in split(points).items())
    shown = [p for p in points if p.status in _WITH_SPECTRUM]
    return ReportData(
        runs=tuple(runs),
        points=tuple(points),
        summary=summary,
        drawn=drawn(summary),
        spectra=tuple(_spectra(container, runs, evenly(shown, MOST_SPECTRA))),
        n_spectra=len(shown),
        models=_models(runs, cards),
        settings=_settings(container, runs),
        versions=_versions(runs),
    )


def drawn(summary: Sequence[Series]) -> tuple[Series, ...]:
    """Return what is drawn together: long series each by itself, the rest by absorber.

    Of one spectrum alone no figure is made.
    """
    alone = sorted(summary, key=lambda one: -len(one.points))[:MOST_SERIES]
    kept = [one for one in summary if one in alone and len(one.points) >= FEWEST]
    rest: dict[tuple[str, str], list[Series]] = {}
    for one in summary:
        if one not in kept:
            rest.setdefault((one.absorber, one.edge), []).append(one)
    for together in rest.values():
        points = sorted((p for one in together for p in one.points), key=_time)
        if len(points) > 1:
            name = together[0].sample if len(together) == 1 else f"{len(together)} samples"
            kept.append(_series(name, points))
    return tuple(kept)


def evenly(items: Sequence[TrendPoint], most: int) -> list[TrendPoint]:
    """Return at most so many items, evenly chosen; the first and the last are among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Return the values of nested mappings as text, by their paths with dots."""
    if isinstance(value, Mapping) and value:
        return {k: v for key in value for k, v in flat(value[key], f"{path}.{key}").items()}
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return {path.removeprefix("."): "" if value is None else str(value)}


def _time(point: TrendPoint) -> tuple[bool, float, int]:
    unknown = math.isnan(point.time)
    return (unknown, 0.0 if unknown else point.time, point.spectrum_index)


def _series(sample: str, points: Sequence[TrendPoint]) -> Series:
    return Series(sample, points[0].absorber, points[0].edge, tuple(points))


def _spectra(
    container: Any, runs: Sequence[PublishedRun], chosen: Sequence[TrendPoint]
) -> list[PublishedSpectrum]:
    by_uid = {run.analysis.uid: run for run in runs}
    wanted = {point.key for point in chosen}
    found = {
        (uid, spectrum.spectrum_index): spectrum
        for uid in dict.fromkeys(point.analysis_uid for point in chosen)
        for spectrum in spectra_of(container, by_uid[uid])
        if (uid, spectrum.spectrum_index) in wanted
    }
    return [found[point.key] for point in chosen if point.key in found]


def _models(
    runs: Sequence[PublishedRun], cards: Mapping[str, Mapping[str, Any]]
) -> tuple[UsedModel, ...]:
    used = Counter((r.model, r.model_version, r.analysis.model_sha256) for r in runs)
    return tuple(UsedModel(*key, n_runs=n, card=cards.get(key[2])) for key, n in used.most_common())


def _settings(container: Any, runs: Sequence[PublishedRun]) -> tuple[UsedSettings, ...]:
    """Return the settings, each read from one of its runs."""
    uids: dict[str, list[str]] = {}
    for run in runs:
        uids.setdefault(run.analysis.settings_hash, []).append(run.analysis.uid)
    found = []
    for digest, of_it in sorted(uids.items(), key=lambda item: -len(item[1])):
        try:
            node = find_child(container, of_it[0])
        except Exception as error:
            raise ResultsError(explain(error, to="read")) from error
        start = {} if node is None else node.metadata["start"]
        values = flat((start.get("live_lce") or {}).get("settings") or {})
        found.append(UsedSettings(digest, len(of_it), values))
    return tuple(found)


def _versions(runs: Sequence[PublishedRun]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for package, version in run.versions.items():
            found.setdefault(package, {})[version] = None
    return {package: tuple(found[package]) for package in sorted(found)}
