"""Keep raw runs that could not be processed wholly, for ``live-lce retry``.

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

import json
import logging
import os
import re
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from live_lce._support.private_files import PRIVATE, Access
from live_lce.publish._documents import Document
from live_lce.publish._keeping import Room
from live_lce.publish._spool import SUFFIX, SpoolFile

logger = logging.getLogger(__name__)

COUNTERS = {
    "dead_letters": "Raw runs that could not be processed wholly: `live-lce retry`.",
    "dead_letters_not_kept": "Of these, not kept whole: get them from their archive.",
}
"""Names and meanings of the counters."""
UNKNOWN = "unknown-run"
"""Stands for the uid where a document does not tell its run."""
_LONGEST_TRACEBACK = 8000  # characters of a traceback
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
        return cls(f"{what}: {said}" if what else said, "".join(lines)[-_LONGEST_TRACEBACK:])


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


DEEPEST = 60
"""Levels that are written as such; what lies deeper is written as text."""
MOST_VALUES = 2_000_000
"""So many values are written of one document."""
_LONGEST_TEXT = 1000
_BITS = 13_000  # Python writes integers up to 4300 digits


def jsonable(value: Any) -> tuple[Any, bool]:
    """Return a value for `json.dumps`, and whether nothing was lost.

    Arrays and tuples become lists, mappings become dicts; that loses nothing.  What JSON
    has no form for (objects, dates, bytes, endless nesting) becomes its `repr`.

    Parameters
    ----------
    value : object
        Any.
    """
    writer = _Writer()
    return writer.plain(value, ()), writer.exact


def text_of(value: Any, longest: int = _LONGEST_TEXT) -> str:
    """Return the `repr` of any value, cut; never raises."""
    try:
        return repr(value)[:longest]
    except Exception as error:  # it has its own mind, or is nested too deep
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


class _Writer:
    def __init__(self) -> None:
        self.exact = True
        self._values = 0

    def plain(self, value: Any, around: tuple[int, ...]) -> Any:
        kind = type(value)
        if value is None or kind in (str, bool, float):
            return value
        if kind is int:
            return value if value.bit_length() < _BITS else self._text(value)
        self._values += 1
        if len(around) > DEEPEST or id(value) in around or self._values > MOST_VALUES:
            return self._text(value)
        try:
            return self._other(value, (*around, id(value)))
        except Exception:  # whatever an odd class does
            return self._text(value)

    def _other(self, value: Any, around: tuple[int, ...]) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.plain(inner, around) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(inner, around) for inner in value]
        if isinstance(value, str):
            return str(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, int):  # an enum
            return self.plain(int(value), around)
        if callable(getattr(value, "tolist", None)):  # numpy's arrays and numbers
            return self.plain(value.tolist(), around)
        return self._text(value)

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return str(key)
        return text_of(key)

    def _text(self, value: Any) -> str:
        self.exact = False
        return text_of(value)


INCOMPLETE = ".incomplete"
_LAST = 1_000_000  # bytes: longer than any stop document


@dataclass(frozen=True)
class DeadLetter:
    """A run that could not be processed wholly; one of the runs that can be replayed.

    Parameters
    ----------
    path : Path
        Its file.
    uid : str
        Uid of the raw run; empty where nothing tells it.
    start : dict
        Start document; empty if it is not there.
    whole : bool
        Whether all documents are there, as they were.
    lacks : str
        What is missing otherwise.
    errors : tuple of str
        What went wrong, each once.
    source : str
        Where the documents came from.
    """

    path: Path
    uid: str
    start: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    lacks: str = ""
    errors: tuple[str, ...] = ()
    source: str = ""

    @property
    def where(self) -> str:
        """The file, for people."""
        return str(self.path)

    def documents(self) -> Iterator[Document]:
        """Yield the documents in the order of their arrival.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        for record in _records(self.path):
            yield str(record["name"]), record["doc"]


def read_letter(path: Path) -> DeadLetter:
    """Read a file of dead letters, but for its documents.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    uid = source = last = ""
    start: dict[str, Any] = {}
    errors: dict[str, None] = {}
    exact = True
    for record in _records(path):
        last = str(record["name"])
        if last == "start" and not start and isinstance(record["doc"], dict):
            start = record["doc"]
        if "error" in record:
            errors[str(record["error"])] = None
            exact = exact and record.get("exact", True) is True
            uid, source = str(record.get("run", uid)), str(record.get("source", source))
    lacks = ""
    if path.stem.endswith(INCOMPLETE) or not start:
        lacks = "not all of the run is in the file"
    elif not exact:
        lacks = "a document that failed could not be written as it was"
    elif last != "stop":
        lacks = "the file ends before the run's stop document"
    known = uid or str(start.get("uid", ""))
    return DeadLetter(path, known, start, not lacks, lacks, tuple(errors), source)


def ends_whole(path: Path) -> bool:
    """Whether a file holds a run to its stop document."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LAST))
            lines = file.read(_LAST).splitlines()
        return bool(lines) and json.loads(lines[-1])["name"] == "stop"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines; torn ones are left out."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict) and {"name", "doc"} <= record.keys():
                    yield record
