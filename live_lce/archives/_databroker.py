"""Read runs from databroker 2.x (extra ``databroker``), which wraps Tiled."""

from __future__ import annotations

from typing import Any

from live_lce.archives._archive import ArchiveError
from live_lce.archives._tiled import TiledArchive
from live_lce.archives._tiled_source import TiledSource
from live_lce.settings import Signals


class DatabrokerArchive(TiledArchive):
    """A catalog of databroker, by name: what ``Broker.named`` opens.

    The names are those of Tiled's profiles; runs are in the container ``raw`` where there
    is one.  The catalogs of databroker 1.x are gone with their drivers: a Mongo database is
    opened by a profile that serves it with ``databroker.mongo_normalized``.

    Parameters
    ----------
    name : str
        Of the catalog.
    signals : Signals, optional
        Settings that name data keys.

    Raises
    ------
    ArchiveError
        If databroker is not installed.
    """

    def __init__(self, name: str, *, signals: Signals | None = None) -> None:
        try:
            import databroker  # noqa: F401 - a profile may name its adapters
        except ImportError as error:
            raise ArchiveError(
                f"databroker:{name}: databroker is not installed: "
                "pip install 'live_lce[databroker]'"
            ) from error
        super().__init__(TiledSource(f"profile:{name}"), signals=signals)
        self.name = f"databroker:{name}"


class OpenCatalog(TiledSource):
    """A catalog that is open already, such as ``databroker.v2.temp()``; cannot be pickled.

    Parameters
    ----------
    catalog : tiled container
        The catalog; left open.
    name : str
        For people.
    """

    def __init__(self, catalog: Any, name: str = "catalog") -> None:
        super().__init__("profile:")
        self.name, self._open = name, catalog

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("An open catalog cannot be sent to another process: use --jobs 1")

    def another(self) -> OpenCatalog:
        """Return the same: there is one connection."""
        return self

    def _container(self) -> Any:
        return self._open
