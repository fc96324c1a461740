"""Compose the documents of simulated scans, as a RunEngine would emit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import event_model
import numpy as np

from live_lce.archives import Document
from live_lce.spectra import Array
from live_lce.testing._spectra import xanes_energy, xanes_mu

KEYS: Mapping[str, Any] = {
    "mono_energy": {"dtype": "number", "shape": [], "source": "sim", "units": "eV"},
    "I0": {"dtype": "number", "shape": [], "source": "sim"},
    "It": {"dtype": "number", "shape": [], "source": "sim"},
}
"""Data keys of a transmission scan."""

SCAN: Mapping[str, Any] = {
    "motors": ["mono_energy"],
    "hints": {"dimensions": [(["mono_energy"], "primary")]},
    "element": "Fe",
    "edge": "K",
}
"""Metadata of the start document."""

START_TIME = 1.7e9
"""Time of the start document (s since 1970)."""


def transmission_rows(energy: Array, mu: Array, **more: Any) -> list[dict[str, Any]]:
    """Return the data of the events of a transmission scan.

    Parameters
    ----------
    energy, mu : ndarray, shape (n_points,)
        Energies (eV) and absorption.
    **more
        Values of further data keys, the same in each event.

    Returns
    -------
    list of dict
        One row an event, with the keys ``mono_energy``, ``I0`` and ``It``.
    """
    i0 = 1e5
    return [
        {"mono_energy": float(e), "I0": i0, "It": i0 * float(np.exp(-m)), **more}
        for e, m in zip(energy, mu, strict=True)
    ]


def spectrum_rows(white_line: float = 0.9, seed: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Return the data of the events of a good scan of the Fe K edge.

    Parameters
    ----------
    white_line, seed
        See :func:`xanes_mu`.
    **more
        Values of further data keys, the same in each event.

    Returns
    -------
    list of dict
        One row an event.
    """
    energy = xanes_energy()
    # I0 varies, because a counter that repeats its value is taken as dead.
    rows = transmission_rows(energy, xanes_mu(energy, white_line=white_line, seed=seed), **more)
    for number, row in enumerate(rows):
        scale = 1 + 1e-3 * np.sin(number)
        row["I0"] *= scale
        row["It"] *= scale
    return rows


def compose(
    rows: Iterable[Mapping[str, Any]],
    *,
    start: Mapping[str, Any] = SCAN,
    keys: Mapping[str, Any] = KEYS,
    stream: str = "primary",
    exit_status: Literal["success", "abort", "fail"] | None = "success",
    time: float = START_TIME,
    uid: str | None = None,
) -> list[Document]:
    """Compose the documents of a run with one stream.

    Parameters
    ----------
    rows : iterable of mapping
        Data of each event, by data key.
    start : mapping
        Metadata of the start document.
    keys : mapping
        Data keys of the descriptor.
    stream : str
        Name of the stream.
    exit_status : str or None
        Of the stop document; None leaves the stop document out, as in a run that goes on.
    time : float
        Time of the start document (s since 1970); events follow one second apart.
    uid : str, optional
        Of the run.

    Returns
    -------
    list of (str, dict)
        Names and documents, in order.

    Examples
    --------
    >>> documents = compose(spectrum_rows(), uid="0b1ffa52-3333-4c4c-8888-0123456789ab")
    >>> documents[0][0], documents[-1][0]
    ('start', 'stop')
    """
    bundle = event_model.compose_run(uid=uid, metadata=dict(start), time=time, validate=False)
    documents: list[Document] = [("start", dict(bundle.start_doc))]
    stream_bundle = bundle.compose_descriptor(
        name=stream, data_keys=dict(keys), time=time, validate=False
    )
    documents.append(("descriptor", dict(stream_bundle.descriptor_doc)))
    for number, row in enumerate(rows, start=1):
        now = time + number
        event = stream_bundle.compose_event(
            data=dict(row), timestamps=dict.fromkeys(row, now), time=now, validate=False
        )
        documents.append(("event", dict(event)))
    if exit_status:
        stop = bundle.compose_stop(
            exit_status=exit_status, time=time + len(documents), validate=False
        )
        documents.append(("stop", dict(stop)))
    return documents
