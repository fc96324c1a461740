"""Replay what is open in a Python session: ``live_lce.replay``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live_lce.archives._open_runs import sources_of
from live_lce.config import Config, ConfigError, load_config
from live_lce.engine import Result
from live_lce.query import RunQuery
from live_lce.replaying._candidates import Candidates
from live_lce.replaying._outcome import Outcome
from live_lce.replaying._setup import Setup
from live_lce.replaying._summary import Summary
from live_lce.replaying._work import Worker

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Replayed:
    """What a replay gave: a sequence of results, with what became of the runs.

    Parameters
    ----------
    results : tuple of Result
        The last prediction on each spectrum, in the order of the runs.
    outcomes : tuple of Outcome
        One for each run that was analysed.
    problems : tuple of str
        What could not be read or went wrong, in one line each.
    said : str
        The numbers of runs, in words.
    published : mapping of str to int
        Counters of the publisher; empty if nothing was published.
    """

    results: tuple[Result, ...]
    outcomes: tuple[Outcome, ...] = field(repr=False)
    problems: tuple[str, ...] = ()
    said: str = ""
    published: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, number: int) -> Result:
        return self.results[number]

    def __repr__(self) -> str:
        lines = [self.said, *(_line(result) for result in self.results), *self.problems]
        return "\n".join(lines)

    def table(self) -> pd.DataFrame:
        """Return the predictions as a table, a row each; those on growing scans too."""
        import pandas as pd

        return pd.DataFrame([row for outcome in self.outcomes for row in outcome.rows])


def replay(
    source: Any,
    *,
    publish: bool | str = False,
    force: bool = False,
    query: RunQuery | None = None,
    config: Config | str | Path | None = None,
) -> Replayed:
    """Predict what is open: documents, runs, a catalog; as if the scans ran now.

    Parameters
    ----------
    source : object
        An iterable of documents, each ``(name, document)``, of one run or several; a run with
        ``documents()`` (Tiled's ``BlueskyRun``, databroker's ``Header``), or an iterable of
        them; a catalog of runs: Tiled's, also a search in it, databroker's ``Broker``; or what
        ``live-lce replay`` takes: a file, folder, pattern or address, or a list of them.
    publish : bool or str
        Publish to the configured Tiled server, or to the one at this address.  What it has
        already is left then, and gives no result.
    force : bool
        Analyse and publish anew what other models or settings did, superseding it.
    query : RunQuery, optional
        Which runs, see :class:`live_lce.RunQuery`.
    config : Config or path, optional
        The configuration, or its file; without it the usual places and the environment.

    Returns
    -------
    Replayed
        The results, and what became of the runs.  A run that cannot be read is a problem in
        it; the others are read.

    Raises
    ------
    ArchiveError
        If the source is none of these, with what to give.
    ConfigError
        If the configuration is wrong, or names no server to publish to.

    Examples
    --------
    >>> for result in live_lce.replay(catalog):  # doctest: +SKIP
    ...     print(result.run.sample, result.prediction.label)
    """
    loaded = config if isinstance(config, Config) else load_config(Path(config) if config else None)
    setup = Setup(loaded, _address(loaded, publish), force=force)
    problems: list[str] = []
    results: list[Result] = []
    outcomes: list[Outcome] = []
    summary, counters = Summary(), Counter[str]()
    sources = sources_of(source, loaded.analysis.signals)

    def take(result: Result) -> None:
        if result.final:
            results.append(result)

    with closing(
        Candidates(sources, query or RunQuery(), setup, journal=None, on_problem=problems.append)
    ) as candidates:
        worker = Worker(setup, on_result=take)
        try:
            for run, action in candidates:
                if not action.analyses:
                    summary.left(action)
                    continue
                outcome = worker(run)
                outcomes.append(outcome)
                summary.add(outcome)
                if outcome.problem:
                    problems.append(outcome.problem)
        finally:
            counters.update(worker.close())
        summary.left_out = candidates.left_out
    return Replayed(
        tuple(results), tuple(outcomes), tuple(problems), summary.said(), dict(counters)
    )


def _address(config: Config, publish: bool | str) -> str:
    if isinstance(publish, str):
        return publish
    if publish and not config.tiled.uri:
        raise ConfigError(
            "no Tiled server to publish to: give its address as `publish`, or set tiled.uri in the "
            "configuration (LIVE_LCE_TILED__URI)"
        )
    return config.tiled.uri if publish else ""


def _line(result: Result) -> str:
    prediction, run = result.prediction, result.run
    name = run.sample or f"run {run.uid[:8]}"
    scan = f"scan {run.start['scan_id']} " if "scan_id" in run.start else ""
    answer = f"{prediction.label} {prediction.confidence:.0%}" if prediction.label else ""
    parts = (prediction.status.value, answer, prediction.reason.replace(";", " "))
    said = ", ".join(part for part in parts if part)
    return f"{scan}{name}, {prediction.absorber} {prediction.edge}: {said}"
