"""Read published spectra: energies, normalized mu, prediction, provenance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.contract import SPECTRA_STREAM
from live_lce.query import Attempts, RunQuery
from live_lce.results._catalog import PublishedRun, ResultsError, find, open_runs
from live_lce.results._tables import final_rows
from live_lce.tiled import explain
from live_lce.tiled._connection import find_child

_MEASURES = ("edge_step", "pre1", "pre2", "norm1", "norm2", "nnorm", "noise", "coverage")


@dataclass(frozen=True)
class PublishedSpectrum:
    """One final spectrum of an analysis run.

    Parameters
    ----------
    run : PublishedRun
        Its analysis run.
    spectrum_index : int
        Its number in the run, from 0.
    energy : ndarray of shape (n_points,)
        Photon energy (eV) as the model saw it: with `energy_shift` added, on the grid of the
        contract around `edge_reference`; only where something was measured.
    norm : ndarray of shape (n_points,)
        Normalized mu.
    row : dict
        The final prediction: the columns of the stream ``predictions``.
    """

    run: PublishedRun
    spectrum_index: int
    energy: NDArray[np.float64]
    norm: NDArray[np.float64]
    row: dict[str, Any]

    @property
    def name(self) -> str:
        """A short name, unique in the container: analysis uid and number."""
        return f"{self.run.analysis.uid}_{self.spectrum_index}"

    def provenance(self) -> dict[str, str]:
        """Return where the spectrum comes from and what was said of it, as text; nothing is empty.

        Numbers are written so that reading them gives the same number.
        """
        run, analysis = self.run, self.run.analysis
        known: dict[str, Any] = {
            "raw_uid": analysis.raw_uid,
            "raw_stream": analysis.stream,
            "raw_start": _iso(run.raw_time),
            "analysis_uid": analysis.uid,
            "analysis_time": _iso(analysis.time),
            "attempt": analysis.attempt,
            "superseded_by": analysis.superseded_by,
            "spectrum_index": self.spectrum_index,
            "raw_seq_num_first": self.row["raw_seq_num_first"],
            "raw_seq_num_last": self.row["raw_seq_num_last"],
            "sample": run.sample,
            "scan_id": "" if run.scan_id is None else run.scan_id,
            "data_session": run.data_session,
            "absorber": self.row["absorber"],
            "edge": self.row["edge"],
            "status": self.row["status"],
            "reason": self.row["reason"],
            "label": self.row["label"],
            "label_set": self.row["label_set"],
            "confidence": self.row["confidence"],
            **{k: v for k, v in self.row.items() if k.startswith("p_") and k[2:] in run.classes},
            "model": run.model,
            "model_version": run.model_version,
            "model_sha256": analysis.model_sha256,
            "settings_hash": analysis.settings_hash,
            "contract": run.contract,
            "source": run.source,
            "used": run.used,
            "versions": ", ".join(f"{k} {v}" for k, v in sorted(run.versions.items())),
            "exported_by": f"live_lce {version('live_lce')}",
            "norm_method": self.row["norm_method"],
            **{name: self.row[name] for name in ("e0", "edge_reference", "energy_shift")},
            **{name: self.row[name] for name in _MEASURES},
        }
        return {name: text for name, value in known.items() if (text := _text(value))}


def spectra(
    source: Any,
    query: RunQuery | str,
    *,
    attempts: Attempts | None = None,
    api_key: str | None = None,
    path: str = "processed",
) -> list[PublishedSpectrum]:
    """Return the final spectra that a query wants.

    Costs about six requests a run.

    Parameters
    ----------
    source, attempts, api_key, path
        See :func:`live_lce.results.analyses`.
    query : RunQuery or str
        Or a uid, of a raw run or of an analysis run (8 characters or more).

    Returns
    -------
    list of PublishedSpectrum
        By start of the raw run; empty where there are none.

    Raises
    ------
    QueryError
        If a uid is too short.
    ResultsError
        If the server does not answer, refuses the key, or has no such container.
    """
    wanted = RunQuery(uids=(query,)) if isinstance(query, str) else query
    with open_runs(source, api_key=api_key, path=path) as container:
        runs = find(container, wanted, attempts=attempts)
        return [found for run in runs for found in spectra_of(container, run)]


def spectra_of(container: Any, run: PublishedRun) -> Iterator[PublishedSpectrum]:
    """Yield the final spectra of one run.

    Costs about six requests.

    Parameters
    ----------
    container : tiled container
        Where the run is.
    run : PublishedRun
        The run.

    Raises
    ------
    ResultsError
        If they cannot be read, e.g. while they are being written.
    """
    try:
        numbers, grid, norm = _arrays(container, run.analysis.uid)
    except ResultsError:
        raise
    except Exception as error:
        raise ResultsError(explain(error, to="read")) from error
    if not numbers:
        return
    rows = {row["spectrum_index"]: row for row in final_rows(container, run)}
    for number, values in zip(numbers, norm, strict=True):
        measured = np.isfinite(values)
        row = rows[number]
        yield PublishedSpectrum(
            run, number, (grid + row["edge_reference"])[measured], values[measured], row
        )


def _arrays(container: Any, uid: str) -> tuple[list[int], NDArray[np.float64], NDArray[np.float64]]:
    """Return numbers of the spectra, the relative grid, and normalized mu, one row a spectrum."""
    node = find_child(container, uid)
    stream = None if node is None else find_child(node, SPECTRA_STREAM)
    if stream is None:
        return [], np.empty(0), np.empty((0, 0))
    grid = np.asarray(stream.metadata["configuration"]["live_lce"]["data"]["grid"], dtype=float)
    table = stream.base["internal"].read(["seq_num", "spectrum_index"])
    table = table.drop_duplicates("seq_num").sort_values("seq_num")
    norm = np.asarray(stream.base["norm"].read(), dtype=float)
    if norm.shape != (len(table), len(grid)):
        raise ResultsError(
            f"analysis run {uid} is being written, or torn: {len(table)} rows and an array of "
            f"{norm.shape}; try again, or publish it again with `live-lce replay --force`"
        )
    return [int(number) for number in table["spectrum_index"]], grid, norm


def _iso(seconds: float) -> str:
    return "" if math.isnan(seconds) else datetime.fromtimestamp(seconds, UTC).isoformat()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value))
    return str(value)
