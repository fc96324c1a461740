"""Read rows of the HDF5 files that ``stream_resource`` documents announce.

The consolidators of bluesky-tiled-plugins and the adapters of Tiled, which read such files for a
server, do not serve while a scan runs: they open a file anew for each chunk, need its final
shape, and come with the extra ``tiled[server]``.  So the rows are read with h5py, from a file that
stays open, in a process of its own (see :mod:`live_lce.external._rows`).
"""

from __future__ import annotations

import json
import logging
import math
import queue
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from live_lce._support import processes
from live_lce.engine import Source, UnreadableError

logger = logging.getLogger(__name__)

MIMETYPE = "application/x-hdf5"
ANSWER = 10.0
"""So long (s) the reading process may take for an answer; then it is ended."""
PATIENCE = 5.0
"""So long (s) rows are waited for, once a file, when a scan has ended and not all are there."""
_PAUSE = 0.1
_MOST_ROWS = 50_000
"""In one question."""
_IN_ANSWER = 200_000
"""Values in one answer, or one row."""
_MOST_VALUES = 2_000_000
"""Asked for at once, of all rows together."""


class Hdf5Files:
    """Reads rows of HDF5 files; see :class:`live_lce.engine._external.Files`.

    A file that lets the reading process hang is given up after `answer` seconds, and tried
    once more when its scan has ended.  So a file costs at most ``2 answer + patience`` seconds.

    Parameters
    ----------
    patience : float
        Seconds to wait, once a file, for rows that are announced and not there when the scan
        has ended; 0 for archives, which do not grow.
    answer : float
        Seconds that an answer may take.
    roots : sequence of path
        Folders in which files may lie, with all that they lead to (external links, virtual
        datasets, external storage).  None: they may lie anywhere, and lead to files of their own
        folder only.
    """

    def __init__(
        self,
        *,
        patience: float = 0.0,
        answer: float = ANSWER,
        roots: Sequence[str | Path] = (),
    ) -> None:
        self._patience = patience
        self._roots = [str(root) for root in roots]
        self._answer = answer
        self._process: _RowProcess | None = None
        self._silent: dict[str, int] = {}  # uri: how often it did not answer
        self._waited: set[str] = set()
        self._fresh: set[str] = set()  # opened again after the end of the scan

    def rows(self, source: Source, start: int, stop: int, *, last: bool) -> Sequence[Any]:
        """Return rows, as the engine asks for them.

        Raises
        ------
        UnreadableError
            If there are none to be had.
        """
        path, host = local_path(source)
        dataset = source.parameters.get("dataset")
        if not isinstance(dataset, str) or not dataset:
            raise UnreadableError(f"{source.uri}: the stream_resource names no dataset")
        for parameter in ("template", "slice"):
            if source.parameters.get(parameter):
                raise UnreadableError(f"{source.uri}: its {parameter!r} is not supported")
        question = {
            "path": path,
            "dataset": dataset,
            "shape": list(source.shape) or [1],
            "swmr": source.parameters.get("swmr") is not False,
        }
        rows: list[Any] = []
        end = time.monotonic() + self._patience
        while True:
            error = None
            try:
                rows += self._some(source.uri, question, start + len(rows), stop, last)
            except UnreadableError as found:
                error = found
            if start + len(rows) >= stop:
                return rows
            if not last or source.uri in self._waited or source.uri in self._silent:
                break
            if time.monotonic() > end:
                self._waited.add(source.uri)
                break
            self._fresh.discard(source.uri)
            time.sleep(_PAUSE)
        if error is None or rows:
            return rows
        raise UnreadableError(f"{error}; it is on the host {host}" if host else str(error))

    def close(self, uris: Iterable[str]) -> None:
        """Close files."""
        for uri in uris:
            for kept in (self._waited, self._fresh):
                kept.discard(uri)
            self._silent.pop(uri, None)
            if self._process is not None:
                try:
                    self._ask({"close": unquote(urlparse(uri).path)})
                except (UnreadableError, ValueError):  # no address: it was never open
                    logger.debug("%s could not be closed.", uri)

    def shutdown(self) -> None:
        """End the reading process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _some(
        self, uri: str, question: dict[str, Any], start: int, stop: int, last: bool
    ) -> list[Any]:
        rows: list[Any] = []
        size = math.prod(n for n in question["shape"] if n > 0)
        if (stop - start) * size > _MOST_VALUES:
            raise UnreadableError(
                f"{uri}: {stop - start} rows of {size} values are more than {_MOST_VALUES} "
                "values: record a sum or a region of interest instead"
            )
        while start + len(rows) < stop:
            if self._silent.get(uri, 0) > last:  # one more time at the end
                raise UnreadableError(f"{uri}: reading it took longer than {self._answer:g} s")
            first = start + len(rows)
            asked = min(stop, first + _MOST_ROWS, first + max(1, _IN_ANSWER // max(1, size)))
            fresh = last and uri not in self._fresh
            self._fresh |= {uri} if fresh else set()
            try:
                answer = self._ask({**question, "start": first, "stop": asked, "fresh": fresh})
            except UnreadableError as error:
                self._silent[uri] = self._silent.get(uri, 0) + 1
                raise UnreadableError(f"{uri}: {error}") from None
            if "error" in answer:
                raise UnreadableError(str(answer["error"]))
            rows += answer["rows"]
            if len(answer["rows"]) < asked - first:
                break
        return rows

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = _RowProcess(self._roots)
        try:
            return self._process.ask(question, self._answer)
        except UnreadableError:
            self.shutdown()
            raise


class _RowProcess:
    """The reading process, asked one thing at a time."""

    def __init__(self, roots: Sequence[str] = ()) -> None:
        try:
            self._process = processes.start(
                "live_lce.external._rows",
                roots,
                environment=processes.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise UnreadableError(
                f"the process that reads files does not start: {error}"
            ) from error
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="live_lce_files", daemon=True)
        self._thread.start()

    def ask(self, question: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the answer.

        Raises
        ------
        UnreadableError
            If there is none in time, or the process is gone.
        """
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise UnreadableError(f"reading it took longer than {timeout:g} s") from None
        except OSError:
            line = b""
        if not line:
            raise UnreadableError("reading it ended the process that reads files")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """End it; a process that hangs in a disk's driver ends when the disk answers."""
        self._process.kill()
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                logger.debug("The reading process was gone already.")
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return
        self._thread.join(1.0)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")


def local_path(source: Source) -> tuple[str, str]:
    """Return the path of a source's file, and the host where that path is meant, if not here.

    Raises
    ------
    UnreadableError
        If it is no HDF5 file.
    """
    if source.mimetype != MIMETYPE:
        raise UnreadableError(f"{source.uri} is of type {source.mimetype}, not {MIMETYPE}")
    try:
        parsed = urlparse(source.uri)
        scheme, host, path = parsed.scheme, parsed.hostname or "localhost", unquote(parsed.path)
    except ValueError as error:
        raise UnreadableError(f"{source.uri}: {error}") from None
    if scheme != "file" or not path:
        raise UnreadableError(f"{source.uri} is no address of a file (file://localhost/...)")
    # Where a disk is shared, the path of another host may be good here too.
    return path, "" if host == "localhost" else host
