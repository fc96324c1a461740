"""Remember runs that gave no spectrum, so that a replay need not read them again.

Runs with a spectrum are found in Tiled; those without leave nothing there.  Written run by
run, so that a killed replay goes on where it was.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from live_lce._support.private_files import PRIVATE, Access

logger = logging.getLogger(__name__)

FILE = "replay.sqlite"
PATIENCE = 10.0
"""How long another replay may hold the file (s)."""
_CHUNK = 500  # SQLite takes 999 variables or more, by its build


def journal_key(source: str, settings_hash: str, models: Iterable[str], version: str) -> str:
    """Return what an entry holds for: the same source, settings, models and release.

    Parameters
    ----------
    source : str
        The archive; paths are made absolute by the caller.
    settings_hash : str
        Digest of the analysis settings.
    models : iterable of str
        The sha256 of the models.
    version : str
        Release of live_lce: another one may see a spectrum where this one saw none.
    """
    text = "\n".join((source, settings_hash, version, *sorted(models)))
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """Remembers runs without a spectrum, on disk; never raises.

    It only saves time: where it cannot be read or written, all runs are looked at again.

    Parameters
    ----------
    folder : Path
        Made if missing; the journal is the file ``replay.sqlite`` in it.
    access : Access
        Who may read it.
    """

    def __init__(self, folder: Path, access: Access = PRIVATE) -> None:
        self.path = folder / FILE
        self._access = access
        self._connection: sqlite3.Connection | None = None
        try:
            access.folder(folder)
            access.append(self.path).close()
            self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def known(self, key: str, uids: Iterable[str]) -> set[str]:
        """Return those of `uids` that gave no spectrum under `key`."""
        wanted, found = list(uids), set()
        if self._connection is not None:
            try:
                for begin in range(0, len(wanted), _CHUNK):
                    found |= self._select(self._connection, key, wanted[begin : begin + _CHUNK])
            except sqlite3.Error as error:
                self._give_up(error)
        return found

    def add(self, key: str, uid: str) -> None:
        """Remember that a run gave no spectrum; safe against a kill of this process."""
        if self._connection is None:
            return
        try:
            with self._connection:
                self._connection.execute("INSERT OR IGNORE INTO empty VALUES (?, ?)", (key, uid))
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _select(connection: sqlite3.Connection, key: str, uids: list[str]) -> set[str]:
        marks = ",".join("?" * len(uids))
        rows = connection.execute(
            f"SELECT uid FROM empty WHERE source = ? AND uid IN ({marks})", (key, *uids)
        )
        return {str(uid) for (uid,) in rows}

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.OperationalError:
            raise  # cannot be opened, or locked
        except sqlite3.DatabaseError:  # damaged, e.g. by a loss of power
            self.path.unlink()
            self._access.append(self.path).close()
            return _connect(self.path)

    def _give_up(self, error: Exception) -> None:
        logger.warning(
            "The journal %s cannot be used (%s): runs without a spectrum are looked at again.",
            self.path, error,
        )  # fmt: skip
        with suppress(sqlite3.Error):
            self.close()
        self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE)
    try:
        # A kill loses nothing that was handed to the system; only a loss of power may.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS empty (source TEXT, uid TEXT, PRIMARY KEY (source, uid))"
            " WITHOUT ROWID"
        )
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection
