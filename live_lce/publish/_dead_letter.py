"""Dead letters: raw runs that could not be processed wholly, kept for ``live-lce retry``.

One file per raw run, ``<uid>.jsonl``, with a line ``{"name", "doc"}`` for each of its documents,
as in the files that ``live-lce replay`` reads.  The line of a document that failed tells more:
``error``, ``traceback``, ``time``, ``source``, ``run``, and ``exact`` (false where JSON could
not hold the document).  A file is locked while its run goes on.

What is here is a copy of what an archive has too.  It is kept, because live runs may have no
archive, and because an archive keeps neither the documents that it refuses itself nor what went
wrong.  The cost is in :mod:`live_lce.publish._kept_runs`.  A file whose run is not all there
(folder or disk were full, the run was joined late or too long) is named ``<uid>.incomplete.jsonl``:
the documents that failed are in it, the others must come from an archive.
"""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from live_lce._support.private_files import PRIVATE, Access
from live_lce.publish._jsonable import jsonable, text_of
from live_lce.publish._letter_file import INCOMPLETE, ends_whole
from live_lce.publish._room import Room
from live_lce.publish._spool import SUFFIX, SpoolFile

logger = logging.getLogger(__name__)

COUNTERS = {
    "dead_letters": "Raw runs that could not be processed wholly: `live-lce retry`.",
    "dead_letters_not_kept": "Of these, not kept whole: get them from their archive.",
}
"""Names and meanings of the counters."""
UNKNOWN = "unknown-run"
"""Stands for the uid where a document does not tell its run."""
_LONGEST = 8000  # characters of a traceback
_NAMES = uuid.UUID("5f0c2f4e-7a83-4d3e-9d0f-2f6f7c1b8a55")


@dataclass(frozen=True)
class Failure:
    """What went wrong with a document.

    Parameters
    ----------
    error, traceback : str
        In one line, and in full.
    """

    error: str
    traceback: str = ""

    @classmethod
    def of(cls, error: BaseException, what: str = "", *, full: bool = True) -> Failure:
        """Return that of an exception; `what` (e.g. a document's name) is put before it."""
        try:
            text = " ".join(str(error).split())[:500]
        except Exception:
            text = text_of(error)
        lines: list[str] = []
        if full:
            with suppress(Exception):
                lines = traceback.format_exception(error, limit=-20)
        said = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return cls(f"{what}: {said}" if what else said, "".join(lines)[-_LONGEST:])


class DeadLetters:
    """The folder of dead letters, with a limit on its bytes; never raises.

    Parameters
    ----------
    folder : Path
        Made when it is needed.
    limit : int
        Bytes allowed in it.
    now : callable
        Returns the time (s).
    access : Access
        Who may read it.

    Attributes
    ----------
    counters : dict of int
        See ``COUNTERS``.
    """

    def __init__(
        self,
        folder: Path,
        limit: int,
        *,
        now: Callable[[], float] = time.time,
        access: Access = PRIVATE,
    ) -> None:
        self.room = Room(Path(folder), limit)
        self.counters = dict.fromkeys(COUNTERS, 0)
        self._now = now
        self.access = access
        self._told = False
        self._troubled = False

    def open(self, raw_uid: str, source: str, *, whole: bool = True) -> Letter:
        """Begin the file of a run.

        Parameters
        ----------
        raw_uid : str
            Uid of the run.
        source : str
            Where its documents come from.
        whole : bool
            Whether all its documents will be given.
        """
        self.counters["dead_letters"] += 1
        self.counters["dead_letters_not_kept"] += not whole
        letter = Letter(self, raw_uid, source, whole=whole)
        if not self._told and letter.path is not None:
            self._told = True
            logger.warning(
                "Run %s could not be processed wholly: its documents are kept in %s, for "
                "`live-lce retry`. Further ones are only counted.",
                raw_uid,
                self.room.folder,
            )
        return letter

    def stamp(self) -> str:
        """Return the time in ISO 8601."""
        return datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")

    def fine(self) -> None:
        """Note that a run was kept whole: the next trouble is worth a line in the log."""
        self._troubled = False

    def trouble(self, why: str) -> None:
        """Say that a run cannot be kept whole."""
        level = logging.DEBUG if self._troubled else logging.ERROR
        self._troubled = True
        logger.log(
            level,
            "Runs that could not be processed are not kept whole in %s (%s): get them from their "
            "archive later. Work through it with `live-lce retry`, make room, or set "
            "`publish.dead_letter` or `publish.dead_letter_limit`. Further ones are only counted.",
            self.room.folder,
            why,
        )


class Letter:
    """One run on its way to disk; never raises.

    Parameters
    ----------
    letters : DeadLetters
        The folder.
    raw_uid, source : str
        The run, and where it comes from.
    whole : bool
        Whether all its documents will be given.
    """

    def __init__(self, letters: DeadLetters, raw_uid: str, source: str, *, whole: bool) -> None:
        self._letters = letters
        self._raw_uid, self._source = raw_uid, source
        self._whole = whole
        self._file: SpoolFile | None = None
        try:
            self._file = self._open(file_name(raw_uid, whole=whole))
        except OSError as error:
            self._trouble(str(error))

    @property
    def path(self) -> Path | None:
        """The file; None where nothing is written."""
        return self._file.path if self._file is not None else None

    def append(self, name: str, doc: Any, failure: Failure | None = None) -> None:
        """Write one document.

        Parameters
        ----------
        name : str
            Its name.
        doc : object
            The document, whatever it holds.
        failure : Failure, optional
            What went wrong with it.
        """
        if self._file is None:
            return
        plain, exact = jsonable(doc)
        more: dict[str, Any] = {}
        if failure is not None:
            more = {"error": failure.error, "traceback": failure.traceback}
            more |= {"time": self._letters.stamp(), "source": self._source}
            more |= {"run": self._raw_uid, "exact": exact}
        try:
            if not self._letters.room.has():
                room = self._letters.room
                raise OSError(f"{room.used / 1e6:.0f} of {room.limit / 1e6:.0f} MB are taken")
            self._letters.room.add(self._file.append(name, plain, **more))
        except (OSError, ValueError, RecursionError) as error:
            self.give_up(str(error))

    def give_up(self, why: str) -> None:
        """Keep what is written as incomplete, and say why."""
        self._trouble(why)
        if self._file is None:
            return
        path = self._file.path
        self._file.close()
        self._file = None
        if self._whole:
            with suppress(OSError):
                path.replace(path.with_name(file_name(self._raw_uid, whole=False) + SUFFIX))

    def close(self) -> None:
        """Keep the file and unlock it."""
        if self._file is not None:
            self._file.close()
            self._file = None
            if self._whole:
                self._letters.fine()

    def _open(self, name: str) -> SpoolFile | None:
        folder, room = self._letters.room.folder, self._letters.room
        path = folder / f"{name}{SUFFIX}"
        if self._whole and ends_whole(path):
            return None  # this run was kept before
        if not room.has():
            raise OSError(f"{room.used / 1e6:.0f} of {room.limit / 1e6:.0f} MB are taken")
        file = SpoolFile(folder, name, self._letters.access)
        if file.shared:  # another process keeps this run
            file.remove()
            return None
        if self._whole:
            file.restart()  # what a killed process left of it
        return file

    def _trouble(self, why: str) -> None:
        self._letters.counters["dead_letters_not_kept"] += self._whole  # else it is counted
        self._letters.trouble(why)


def file_name(raw_uid: str, *, whole: bool = True) -> str:
    """Return the name of a run's file, without its suffix."""
    fine = re.fullmatch(r"\w[\w-]{0,99}", raw_uid, re.ASCII)
    name = raw_uid if fine else str(uuid.uuid5(_NAMES, text_of(raw_uid, 10_000)))
    return name if whole else name + INCOMPLETE
