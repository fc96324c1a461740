"""Search and export for viewers, over a connection of its own, one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from live_lce.dashboard._reading import Reader
from live_lce.query import Attempts, RunQuery
from live_lce.results import (
    PublishedRun,
    PublishedSpectrum,
    QueryError,
    ResultsError,
    TrendPoint,
    find,
    report,
    trend,
)
from live_lce.results._report import NothingFoundError
from live_lce.results._spectra import spectra_of
from live_lce.tiled import explain

FOUND = 2000
"""Runs that a search returns at most."""
REPORTED = 500
"""Runs in a report at most: each costs some requests, while others wait."""


@dataclass(frozen=True)
class Found:
    """What a search found: the newest runs, and how many there were."""

    runs: Sequence[PublishedRun]
    total: int


class PastRuns:
    """Everything that was published, also what is out of the dashboard's view.

    Parameters
    ----------
    reader : Reader
        Its connection; used by one thread at a time.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()

    def search(self, query: RunQuery) -> Found:
        """Return the runs that a query wants, newest first.

        Raises
        ------
        ResultsError
            If Tiled fails.
        """
        with self._lock, self._asking():
            runs = self._find(query)
        return Found(runs[::-1][:FOUND], len(runs))

    def trend(self, query: RunQuery) -> list[TrendPoint]:
        """Return the trend of what a query wants.

        Raises
        ------
        ResultsError
            If Tiled fails.
        """
        with self._lock, self._asking():
            return trend(self._reader.container(), self._find(query))

    def spectrum(self, uid: str, index: int) -> PublishedSpectrum | None:
        """Return one final spectrum of an analysis run; None if there is none.

        Raises
        ------
        QueryError
            If the uid is too short.
        ResultsError
            If Tiled fails.
        """
        with self._lock, self._asking():
            for run in self._find(RunQuery(uids=(uid,)), attempts="all"):
                if run.analysis.uid != uid:
                    continue  # uid is that of the raw run, or the beginning of one
                for spectrum in spectra_of(self._reader.container(), run):
                    if spectrum.spectrum_index == index:
                        return spectrum
        return None

    def report(self, query: RunQuery, cards: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return what a query wants as one HTML page; None where nothing is found.

        Parameters
        ----------
        query : RunQuery
            Which runs.
        cards : mapping of str to mapping
            Cards of the installed models, by sha256.

        Raises
        ------
        QueryError
            If that are too many.
        ResultsError
            If Tiled fails.
        """
        with self._lock, self._asking():
            container = self._reader.container()
            n_runs = len(self._find(query))
            if n_runs > REPORTED:
                raise QueryError(
                    f"{n_runs} runs are too many for a report from here (most: {REPORTED}): ask "
                    "for less, or use `live-lce report`"
                )
            try:
                return None if container is None else report(container, query, cards=cards)
            except NothingFoundError:
                return None

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._reader.close()

    def _find(self, query: RunQuery, attempts: Attempts | None = None) -> list[PublishedRun]:
        container = self._reader.container()
        return [] if container is None else find(container, query, attempts=attempts)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn whatever Tiled or the network says into one error, and connect anew after it."""
        try:
            yield
        except QueryError:
            raise
        except Exception as error:
            self._reader.drop()
            if isinstance(error, ResultsError):
                raise
            raise ResultsError(explain(error, to="read")) from error
