"""Open an archive by its name: an address, a file, a folder, a catalog."""

from __future__ import annotations

from live_lce.archives._archive import Archive
from live_lce.archives._databroker import DatabrokerArchive
from live_lce.archives._document_files import FileArchive
from live_lce.archives._tiled import TiledArchive
from live_lce.archives._tiled_source import TiledSource
from live_lce.settings import Signals


def open_archive(
    source: str, *, api_key: str | None = None, signals: Signals | None = None
) -> Archive:
    """Open a source of archived runs.

    Parameters
    ----------
    source : str
        Address of a Tiled server or container (``http://...``, may carry ``?api_key=``),
        ``profile:NAME`` of Tiled, ``databroker:NAME``, a file of documents (JSON lines, a JSON
        list, msgpack; gzipped or not), a data file, a folder of such files, or a pattern with
        ``*``.
    api_key : str, optional
        For Tiled; else from the address, else from ``TILED_API_KEY``.
    signals : Signals, optional
        The engine's settings that name data keys, or columns of data files, so that tables
        are not read whole where Tiled has no exporter.

    Returns
    -------
    Archive
        Connected when it is first asked for runs.

    Raises
    ------
    ArchiveError
        If there is no such file or folder, or the source is none of these.
    """
    kind, _, rest = source.partition(":")
    if kind.lower() in {"http", "https", "profile"} and rest:
        return TiledArchive(TiledSource(source, api_key=api_key), signals=signals)
    if kind == "databroker" and rest:
        return DatabrokerArchive(rest, signals=signals)
    return FileArchive(source, signals=signals)
