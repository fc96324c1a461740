"""Define an analysis run: version, streams, uid, and keys of its start and stop documents."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

CONTRACT_VERSION = "1.5"
SPEC_NAME = "LiveLCEPrediction"
PREDICTIONS_STREAM = "predictions"
SPECTRA_STREAM = "spectra"
MEASURED_STREAM = "measured"

START_KEYS = {
    "tiled_specs": f'`[{{"name": "{SPEC_NAME}", "version": "{CONTRACT_VERSION}"}}]`; becomes the node\'s spec.',
    "tiled_access_tags": "Copied from the raw run, if it has any; becomes the node's access tags.",
    "original_run_uid": "Uid of the raw run.",
    "raw_time": "Time of the raw run's start document (s).",
    "raw_stream": "Stream of the raw run that holds the spectrum.",
    "sample": "Copied from the raw run, else its name from where the beamline keeps it (XDI.Sample.name...).",
    "scan_id": "Copied from the raw run, if it has one.",
    "data_session": "Copied from the raw run, if it has one.",
    "purpose": "`live_lce`",
    "live_lce": "Contract version, absorber, edge, model (name, version, sha256, classes), settings and "
    "their hash, versions of the packages, source, attempt and supersedes; `used`: what mu was made of "
    "at the first prediction (mode, signal, energy, channels, excluded, and `words` for people), empty "
    "where no spectrum could be built.",
}

STOP_KEYS = {
    "label": "Label of the last final prediction; empty if it was not answered.",
    "confidence": "Its confidence; 0 if not answered.",
    "status": "Its status.",
    "absorber": "Its absorber; empty if unknown.",
    "n_final": "Number of spectra (final predictions) in this run.",
    "reason": "Codes of all final predictions, joined by `;`, each once.",
    "probabilities": "Its probabilities by class; empty if not computed.",
    "spread": "Their standard deviations over the model's members; empty if it has none.",
    "label_set": "List of the classes that it cannot exclude, most probable first.",
    "used": "What its mu was made of, as in the start document.",
}
"""Keys of ``stop["live_lce"]``: stop documents can be searched in Tiled, events cannot."""

_NAMESPACE = uuid.UUID("6a1d2c64-6c1b-5c07-9d0c-4f6c6c636500")


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return a short, stable hash of settings that are plain JSON values."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def analysis_uid(
    raw_uid: str, stream: str, absorber: str, model_sha256: str, settings_digest: str
) -> str:
    """Return the uid of the analysis run: the same input gives the same run.

    A uuid5 of raw uid, stream, absorber, model sha256, settings hash and the
    contract's major version, so that a replay meets what is published already.
    """
    major = CONTRACT_VERSION.split(".", maxsplit=1)[0]
    parts = (raw_uid, stream, absorber, model_sha256, settings_digest, major)
    return str(uuid.uuid5(_NAMESPACE, utf8("\n".join(parts))))


def utf8(text: str) -> str:
    r"""Return text that can be sent: lone surrogates are written out, as ``\udcff``.

    They come from names of files that are no UTF-8.  All other text is returned as it is.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def attempt_uid(analysis: str, number: int) -> str:
    """Return the uid of a further attempt at an analysis.

    Parameters
    ----------
    analysis : str
        Uid of the analysis run, see :func:`analysis_uid`; it is that of the first attempt.
    number : int
        Counts the attempts from 1.
    """
    if number == 1:
        return analysis
    return str(uuid.uuid5(_NAMESPACE, f"{analysis}\nattempt {number}"))
