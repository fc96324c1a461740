"""List the runs of archives, each with what to do with it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from live_lce import __version__
from live_lce.archives import Archive, ArchivedRun, ArchiveError, open_archive
from live_lce.query import RunQuery
from live_lce.replaying._journal import Journal, journal_key
from live_lce.replaying._lookup import Lookup
from live_lce.replaying._plan import Action, decide
from live_lce.replaying._setup import Setup
from live_lce.tiled._analyses import BATCH
from live_lce.tiled._connection import split_key

logger = logging.getLogger(__name__)


class Candidates:
    """Goes through archives, lazily: only the runs of one question to Tiled are in memory.

    Parameters
    ----------
    sources : sequence of Archive or str
        See :func:`live_lce.archives.open_archive`; one that cannot be opened or
        read is reported, the others are read.  Of archives that are open already, nothing is
        remembered.
    query : RunQuery
        Which runs.
    setup : Setup
        Models and settings, and where results go.
    journal : Journal, optional
        Remembers runs without a spectrum; None looks at all of them.
    on_problem : callable
        Told of each problem, in one line.

    Attributes
    ----------
    left_out : Counter of str
        Files of folders that are neither documents nor data, by format, as far as was gone.
    """

    def __init__(
        self,
        sources: Sequence[Archive | str],
        query: RunQuery,
        setup: Setup,
        *,
        journal: Journal | None,
        on_problem: Callable[[str], object],
    ) -> None:
        self._query = query
        self._setup = setup
        self._today = setup.today()
        self._journal = journal
        self._lookup = Lookup(setup)
        self._on_problem = on_problem
        self._in_work: dict[str, str] = {}  # uid: key of the journal
        self._archives: list[tuple[Archive, str]] = []
        self.left_out: Counter[str] = Counter()
        for source in sources:
            if not isinstance(source, str):
                self._archives.append((source, ""))
                continue
            try:
                self._archives.append((opened(source, setup), self._key(source)))
            except ArchiveError as error:
                on_problem(str(error))

    def count(self) -> int | None:
        """Return about how many runs there are; None where an archive cannot tell cheaply."""
        total = 0
        for archive, _ in self._archives:
            number = None
            with suppress(Exception):  # told when the runs are read
                number = archive.count(self._query)
            if number is None:
                return None
            total += number
        return total

    def __iter__(self) -> Iterator[tuple[ArchivedRun, Action]]:
        """Yield each run with what to do."""
        runs = self._runs()
        while batch := list(islice(runs, BATCH)):
            uids = [run.uid for run, _ in batch]
            known = self._lookup.analyses(uids)
            empty = self._empty(batch)
            for run, key in batch:
                action = decide(
                    known[run.uid],
                    self._today,
                    force=self._setup.force,
                    empty=(run.uid, key) in empty,
                )
                if action.analyses:
                    self._in_work[run.uid] = key
                yield run, action

    def done(self, uid: str, *, empty: bool) -> None:
        """Account for a run that was analysed; `empty`: it holds no spectrum and never will."""
        key = self._in_work.pop(uid, "")
        if empty and key and self._journal is not None:
            self._journal.add(key, uid)

    def close(self) -> None:
        """Let go of archives and of Tiled."""
        self._lookup.close()
        for archive, _ in self._archives:
            archive.close()

    def _runs(self) -> Iterator[tuple[ArchivedRun, str]]:
        for archive, key in self._archives:
            found = False
            try:
                for run in archive.runs(self._query):
                    found = True
                    yield run, key
            except Exception as error:
                logger.debug("%s failed so:", archive.name, exc_info=error)
                self._on_problem(_explained(archive, error))
                continue
            for problem in archive.problems:
                self._on_problem(problem)
            self.left_out.update(archive.left_out)
            if not (found or archive.problems) and self._query == RunQuery():
                self._on_problem(f"{archive.name}: holds no runs: check the path")

    def _empty(self, batch: list[tuple[ArchivedRun, str]]) -> set[tuple[str, str]]:
        if self._journal is None:
            return set()
        by_key: dict[str, list[str]] = {}
        for run, key in batch:
            if key:
                by_key.setdefault(key, []).append(run.uid)
        journal = self._journal
        return {(uid, key) for key, uids in by_key.items() for uid in journal.known(key, uids)}

    def _key(self, source: str) -> str:
        today = self._today
        return journal_key(_absolute(source), today.settings_hash, today.models, __version__)


def opened(source: str, setup: Setup) -> Archive:
    """Open an archive, with the configured API key if it is on the configured server.

    Raises
    ------
    ArchiveError
        If the source is none.
    """
    # The configured key is for the configured server only.
    ours = _server(source) != "" and _server(source) == _server(setup.config.tiled.uri)
    return open_archive(
        source,
        api_key=setup.config.key_for(source) if ours else None,
        signals=setup.config.analysis.signals,
    )


def _server(address: str) -> str:
    parts = urlsplit(address)
    return parts.netloc.lower() if parts.scheme in ("http", "https") else ""


def _absolute(source: str) -> str:
    """Return the source so that it means the same from any folder, without its API key."""
    if _server(source):
        return split_key(source)[0]
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source


def _explained(archive: Archive, error: Exception) -> str:
    if isinstance(error, ArchiveError):
        return str(error)
    return f"{archive.name}: {type(error).__name__}: {' '.join(str(error).split())}"
