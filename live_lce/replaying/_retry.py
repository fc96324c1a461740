"""Process dead letters again, each run as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from live_lce.archives import Archive, ArchivedRun, ArchiveError
from live_lce.publish._dead_letter import UNKNOWN, DeadLetter, read_letter
from live_lce.publish._spool import locked, waiting
from live_lce.query import RunQuery
from live_lce.replaying._outcome import Outcome, RunStatus
from live_lce.replaying._setup import Setup
from live_lce.replaying._work import Worker


class RetryStatus(StrEnum):
    """What became of a dead letter."""

    PUBLISHED = "published"
    KEPT = "kept"
    NO_SPECTRUM = "no_spectrum"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    IN_USE = "in_use"


_STATUS = {
    RunStatus.PUBLISHED: RetryStatus.PUBLISHED,
    RunStatus.THERE: RetryStatus.PUBLISHED,
    RunStatus.KEPT: RetryStatus.KEPT,
    RunStatus.NO_SPECTRUM: RetryStatus.NO_SPECTRUM,
}
_WORDS = {
    RetryStatus.PUBLISHED: "published",
    RetryStatus.KEPT: "analysed, and kept on disk (send it with `live-lce republish`)",
    RetryStatus.NO_SPECTRUM: "without a spectrum: nothing to publish",
}


@dataclass(frozen=True)
class Retried:
    """One dead letter, tried again.

    Parameters
    ----------
    path : Path
        Its file.
    uid : str
        Uid of the raw run; empty where nothing tells it.
    status : RetryStatus
        What became of it.
    said : str
        The same in one line, with what is wrong.
    """

    path: Path
    uid: str
    status: RetryStatus
    said: str

    @property
    def removed(self) -> bool:
        """Whether the file is gone, because its run is safe."""
        return self.status in _WORDS


class Retry:
    """Analyses dead letters again, and removes the files of those that work.

    A run is first analysed without publishing: what still fails changes nothing in Tiled.
    One that works supersedes what is published of it, which may lack what failed.

    Parameters
    ----------
    setup : Setup
        How, and where results go.
    archives : sequence of Archive
        Where runs are looked for that are not whole in their files.
    """

    def __init__(self, setup: Setup, archives: Sequence[Archive] = ()) -> None:
        self._archives = archives
        self._trial = Worker(replace(setup, tiled=""))
        self._worker = Worker(replace(setup, source="retry", anew=True))

    def __call__(self, folder: Path) -> Iterator[Retried]:
        """Try each file of a folder; yield what became of it."""
        for path in waiting(folder):
            try:
                with locked(path) as free:
                    if not free:
                        said = "its run goes on"
                        yield Retried(path, path.stem, RetryStatus.IN_USE, said)
                    elif path.exists():
                        yield self._file(path)
            except OSError as error:
                yield Retried(path, "", RetryStatus.FAILED, f"cannot be read: {error.strerror}")

    def close(self) -> Counter[str]:
        """Close the publisher, and return its counters."""
        self._trial.close()
        return Counter(self._worker.close())

    def _file(self, path: Path) -> Retried:
        letter = read_letter(path)
        try:
            run = letter if letter.whole else self._archived(letter)
        except Exception as error:  # an archive may raise anything
            text = " ".join(str(error).split())
            said = text if isinstance(error, ArchiveError) else f"{type(error).__name__}: {text}"
            return Retried(path, letter.uid, RetryStatus.INCOMPLETE, said)
        tried = self._trial(run)
        if tried.problem or tried.errors:
            return Retried(path, letter.uid, RetryStatus.FAILED, _failing(tried))
        outcome = self._worker(run)
        status = _STATUS.get(outcome.status, RetryStatus.FAILED)
        if status not in _WORDS:
            return Retried(path, letter.uid, status, _failing(outcome))
        path.unlink()
        return Retried(path, letter.uid, status, _WORDS[status])

    def _archived(self, letter: DeadLetter) -> ArchivedRun:
        """Return the run from an archive.

        Raises
        ------
        ArchiveError
            If there is none, with what to do.
        """
        why = letter.lacks
        if not letter.uid or letter.uid == UNKNOWN:
            raise ArchiveError(
                f"{why}, and nothing tells which run it is: replay those of its time"
            )
        if not self._archives:
            raise ArchiveError(f"{why}: name an archive that has it with --source")
        for archive in self._archives:
            for run in archive.runs(RunQuery(uids=(letter.uid,))):
                if run.uid == letter.uid:
                    return run
        raise ArchiveError(f"{why}, and the archives do not have it either")


def _failing(outcome: Outcome) -> str:
    if outcome.problem:
        return outcome.problem
    if outcome.status is RunStatus.RUNNING:
        return "it has no stop document yet and may still be running: retry later"
    return "fails again: " + "; ".join(outcome.errors)
