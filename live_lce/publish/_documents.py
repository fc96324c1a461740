"""Compose the documents of an analysis run from results, without I/O or a clock."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import event_model
import numpy as np

from live_lce.contract import (
    CONTRACT_VERSION,
    GRID_SIZE,
    GRID_START,
    GRID_STEP,
    MEASURED_COLUMNS,
    MEASURED_POINTS,
    MEASURED_STREAM,
    PREDICTIONS_STREAM,
    SPEC_NAME,
    SPECTRA_COLUMNS,
    SPECTRA_STREAM,
    Column,
    analysis_uid,
    prediction_columns,
    utf8,
)
from live_lce.engine import Result, RunInfo
from live_lce.records import prediction_record, published_row
from live_lce.settings import AnalysisSettings
from live_lce.spectra import Array

POINTS_WITHIN = 0.2
"""Measured points of partial predictions are left out where the worker is so much behind (s): they
take longer to write than predictions, which must not wait for them."""
ExitStatus = Literal["success", "abort", "fail"]
Document = tuple[str, dict[str, Any]]
"""A document's name and the document."""

RunKey = tuple[str, str, str, str]
"""Raw uid, stream, absorber, model sha256: what makes one analysis run."""

_PACKAGES = (
    "live_lce",
    "bluesky",
    "bluesky-tiled-plugins",
    "event-model",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "scipy",
    "tiled",
    "xraydb",
    "xraylarch",
)

_COPIED_KEYS = ("sample", "scan_id", "data_session")


def run_key(result: Result) -> RunKey:
    """Return which analysis run a result belongs to."""
    prediction = result.prediction
    return (result.run.uid, result.run.stream, prediction.absorber, prediction.model.sha256)


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a prediction."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def relative_grid() -> list[float]:
    """Return the energies of the stream ``spectra`` (eV from the edge reference)."""
    return [GRID_START + GRID_STEP * i for i in range(GRID_SIZE)]


class AnalysisRun:
    """Composes one analysis run, document by document.

    Parameters
    ----------
    first : Result
        The first result; it names raw run, absorber, classes and model.
    settings : AnalysisSettings
        Go into the start document and the uid.
    source : str
        Where the raw documents came from, e.g. ``RE`` or ``replay``.
    now : callable
        Returns the time (s) for the documents.
    growing : bool
        Whether the measured points of partial predictions are published, not only of final ones.
    """

    def __init__(
        self,
        first: Result,
        *,
        settings: AnalysisSettings,
        source: str,
        now: Callable[[], float],
        growing: bool = True,
    ) -> None:
        prediction = first.prediction
        self.key = run_key(first)
        self.uid = analysis_uid(*self.key, settings.digest)
        self._now = now
        self._growing = growing
        self._columns = prediction_columns(prediction.classes)
        self._n_final = 0
        self._reasons: dict[str, None] = {}
        self._last: Result | None = None
        self._last_final: Result | None = None
        self._events: dict[str, event_model.ComposeEvent] = {}
        self._numbers: dict[str, int] = {}
        metadata = _start_metadata(first.run) | {
            "purpose": "live_lce",
            "live_lce": {
                "contract": CONTRACT_VERSION,
                "absorber": prediction.absorber,
                "edge": prediction.edge,
                "model": {
                    "name": prediction.model.name,
                    "version": prediction.model.version,
                    "sha256": prediction.model.sha256,
                    "provider": prediction.model.provider,
                    "classes": list(prediction.classes),
                },
                "settings": _safe_keys(settings.as_json()),
                "settings_hash": settings.digest,
                "versions": dict(package_versions()),
                "source": source,
                "used": used_values(first),
                "attempt": 1,
                "supersedes": [],
            },
        }
        known = utf8_values(metadata)
        self._bundle = event_model.compose_run(uid=self.uid, time=now(), metadata=known)

    @property
    def start(self) -> Document:
        """The start document."""
        return "start", dict(self._bundle.start_doc)

    def result(self, result: Result, latency: float) -> list[Document]:
        """Return the documents of one result: its events, with new descriptors before them.

        Parameters
        ----------
        result : Result
            Of this run (see ``run_key``).
        latency : float
            From the raw document's arrival to now (s).
        """
        documents = self._event(
            PREDICTIONS_STREAM, self._columns, published_row(result, self._columns, latency)
        )
        growing = self._growing and latency <= POINTS_WITHIN
        if result.spectrum is not None and (result.final or growing):
            documents += self._event(MEASURED_STREAM, MEASURED_COLUMNS, measured_row(result))
        self._last = result
        if result.final:
            self._n_final += 1
            found = (finding.reason.value for finding in result.prediction.findings)
            self._reasons |= dict.fromkeys(found)
            self._last_final = result
            if result.normalized is not None:
                documents += self._event(SPECTRA_STREAM, SPECTRA_COLUMNS, spectrum_row(result))
        return documents

    def stop(self, exit_status: ExitStatus = "success", reason: str = "") -> Document:
        """Return the stop document, whose ``live_lce`` can be searched in Tiled."""
        last = self._last_final or self._last
        summary = stop_summary(last, self._n_final, self._reasons)
        document = dict(self._bundle.compose_stop(exit_status=exit_status, reason=reason))
        document |= {"time": self._now(), "live_lce": utf8_values(summary)}
        validate("stop", document)
        return "stop", document

    def _event(
        self, stream: str, columns: tuple[Column, ...], row: dict[str, Any]
    ) -> list[Document]:
        documents: list[Document] = []
        now = self._now()
        if stream not in self._events:
            bundle = self._bundle.compose_descriptor(
                name=stream,
                uid=_child_uid(self.uid, stream),
                time=now,
                data_keys={column.name: column.data_key() for column in columns},
                object_keys={"live_lce": [column.name for column in columns]},
                hints={"live_lce": {"fields": _hinted(stream)}},
                configuration=_configuration(stream, now),
            )
            self._events[stream] = bundle.compose_event
            documents.append(("descriptor", dict(bundle.descriptor_doc)))
        number = self._numbers[stream] = self._numbers.get(stream, 0) + 1
        event = self._events[stream](
            data=row,
            timestamps=dict.fromkeys(row, now),
            time=now,
            seq_num=number,
            uid=_child_uid(self.uid, stream, str(number)),
        )
        documents.append(("event", dict(event)))
        return documents


def spectrum_row(result: Result) -> dict[str, Any]:
    """Return the values of one event of ``spectra``: lists of length `GRID_SIZE`."""
    from live_lce.spectra import to_grid

    spectrum = result.normalized
    if spectrum is None:
        raise ValueError("this result has no normalized spectrum")
    grid = np.asarray(relative_grid())
    norm, valid = to_grid(spectrum.energy, spectrum.norm, spectrum.edge_reference, grid)
    return {
        "spectrum_index": int(result.spectrum_index),
        "norm": np.where(valid, norm, np.nan).astype(float).tolist(),
        "valid": np.asarray(valid).astype(int).tolist(),
    }


def measured_row(result: Result) -> dict[str, Any]:
    """Return the values of one event: numbers, and ``points`` as three lists of one length.

    Raises
    ------
    ValueError
        If no spectrum could be built for this result.
    """
    if result.spectrum is None:
        raise ValueError("this result has no spectrum")
    energy, mu = sorted_finite(result.spectrum.energy, result.spectrum.mu)
    numbers = {
        "spectrum_index": int(result.spectrum_index),
        "final": int(result.final),
        "raw_seq_num_last": int(result.raw_seq_num_last),
        "n_points": len(energy),
    }
    points = np.full((3, MEASURED_POINTS), np.nan)
    shown = np.array(thinned(energy, mu, MEASURED_POINTS))
    points[:2, : shown.shape[1]] = shown
    points[2, : len(numbers)] = list(numbers.values())
    return {**numbers, "points": points.tolist()}


def sorted_finite(energy: Array, mu: Array) -> tuple[Array, Array]:
    """Return the points that are finite, by energy; equal energies stay in the order measured.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        As measured, in any order.
    """
    kept = np.isfinite(energy) & np.isfinite(mu)
    order = np.argsort(energy[kept], kind="stable")
    return energy[kept][order], mu[kept][order]


def thinned(energy: Array, mu: Array, most: int) -> tuple[Array, Array]:
    """Return at most so many points: the means of groups of neighbours, where there are more.

    Parameters
    ----------
    energy, mu : ndarray of shape (n_points,)
        By energy.
    most : int
        Points wanted at most; the sizes of the groups differ by one at most.
    """
    if len(energy) <= most:
        return energy, mu
    first = np.arange(most) * len(energy) // most
    size = np.diff(np.append(first, len(energy)))
    return np.add.reduceat(energy, first) / size, np.add.reduceat(mu, first) / size


def stop_summary(last: Result | None, n_final: int, reasons: Iterable[str]) -> dict[str, Any]:
    """Return ``stop["live_lce"]`` of a run whose last word is `last`."""
    counted = {"n_final": n_final, "reason": ";".join(reasons)}
    if last is None:
        said = {"label": "", "confidence": 0.0, "status": "", "absorber": ""}
        nothing: dict[str, Any] = {"probabilities": {}, "spread": {}, "label_set": [], "used": {}}
        return {**said, **counted, **nothing}
    record = prediction_record(last.prediction)
    return {
        **{name: record[name] for name in ("label", "confidence", "status", "absorber")},
        **counted,
        "probabilities": record["probabilities"] or {},
        "spread": record["spread"] or {},
        "label_set": record["label_set"],
        "used": used_values(last),
    }


def used_values(result: Result) -> dict[str, Any]:
    """Return what a result's mu was made of, as plain values; empty if there is none."""
    used = result.used
    if not used.words:
        return {}
    return {
        "mode": used.mode,
        "signal": used.signal,
        "energy": used.energy,
        "channels": list(used.channels),
        "excluded": list(used.excluded),
        "words": used.words,
    }


def utf8_values(value: Any) -> Any:
    """Return plain JSON with all its text as :func:`live_lce.contract.utf8` writes it."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, Mapping):
        return {utf8(str(key)): utf8_values(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [utf8_values(inner) for inner in value]
    return value


def _start_metadata(run: RunInfo) -> dict[str, Any]:
    start = run.start
    metadata: dict[str, Any] = {
        "tiled_specs": [{"name": SPEC_NAME, "version": CONTRACT_VERSION}],
        "original_run_uid": run.uid,
        "raw_stream": run.stream,
    }
    if isinstance(start.get("time"), int | float):
        metadata["raw_time"] = float(start["time"])
    tags = start.get("tiled_access_tags")
    if tags is not None:
        metadata["tiled_access_tags"] = [tags] if isinstance(tags, str) else [str(t) for t in tags]
    for key in _COPIED_KEYS:
        value = _copyable(key, start.get(key))
        if value is not None:
            metadata[key] = value
    if run.sample:
        sample = metadata.setdefault("sample", run.sample)
        if isinstance(sample, dict) and not isinstance(sample.get("name") or None, str):
            metadata["sample"] = {**sample, "name": run.sample}  # named elsewhere
    return metadata


def _copyable(key: str, value: Any) -> Any:
    """Return `value` as plain JSON if a start document may hold it, else None."""
    if value is None:
        return None
    try:
        plain = json.loads(json.dumps(event_model.sanitize_doc({key: value}), allow_nan=False))
        validate("start", {"uid": "probe", "time": 0.0, **plain})
    except Exception:
        # Metadata is free text of other people: what does not fit is not worth a lost run.
        return None
    return plain[key]


def validate(name: str, document: Mapping[str, Any]) -> None:
    """Raise ``jsonschema.ValidationError`` if `document` is no event-model document."""
    event_model.schema_validators[event_model.DocumentNames[name]].validate(document)


def _safe_keys(value: Any) -> Any:
    """Return `value` with keys that event-model allows (no dots and slashes)."""
    if isinstance(value, dict):
        return {k.replace(".", "_").replace("/", "_"): _safe_keys(v) for k, v in value.items()}
    return value


def _child_uid(run_uid: str, *parts: str) -> str:
    return str(uuid.uuid5(uuid.UUID(run_uid), "/".join(parts)))


def _hinted(stream: str) -> list[str]:
    return {PREDICTIONS_STREAM: ["confidence"], SPECTRA_STREAM: ["norm"]}.get(stream, ["points"])


def _configuration(stream: str, now: float) -> dict[str, Any]:
    if stream != SPECTRA_STREAM:
        return {}
    key = {
        "source": "live_lce:grid",
        "dtype": "array",
        "dtype_numpy": "<f8",
        "shape": [GRID_SIZE],
        "units": "eV",
    }
    return {
        "live_lce": {
            "data": {"grid": relative_grid()},
            "timestamps": {"grid": now},
            "data_keys": {"grid": key},
        }
    }
