"""Run ONNX models with onnxruntime."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce._support.imports import undisturbed
from live_lce.classifiers._atlas import ATLAS_KEY, Atlas, AtlasError
from live_lce.classifiers._card import INPUT, MEMBERS, OOD_SCORE, PROBABILITIES, RANKED
from live_lce.spectra import Array

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""In order of preference."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelOutput:
    """What a model says of some spectra.

    Parameters
    ----------
    probabilities : ndarray of shape (n_spectra, n_classes)
        Each row sums to 1.
    ood_score : ndarray of shape (n_spectra,)
        Above 1: unlike the training spectra.
    members : ndarray of shape (n_spectra, n_members, n_classes), optional
        Each member's probabilities; `probabilities` is their mean.
    ranked : ndarray of shape (n_spectra, n_ranked), optional
        Probabilities of the card's finer labels.
    """

    probabilities: Array
    ood_score: Array
    members: Array | None = None
    ranked: Array | None = None

    def unseen(self, member: NDArray[np.intp]) -> Array:
        """Return probabilities (n_spectra, n_classes): of one member each, of all where -1."""
        if self.members is None:
            return self.probabilities
        of_one = self.members[np.arange(len(member)), member]
        return np.where((member >= 0)[:, None], of_one, self.probabilities)


@dataclass(frozen=True)
class Session:
    """A loaded classifier; may be used from several threads.

    Parameters
    ----------
    runtime : onnxruntime.InferenceSession
        The loaded model.
    provider : str
        The execution provider that onnxruntime really took.
    """

    runtime: Any
    provider: str

    @cached_property
    def atlas(self) -> Atlas | None:
        """Its medoids and the map of its training spectra, read when first asked for.

        None where the model carries none; also, with a line in the log, where what it carries
        cannot be read: it changes no answer, and must not keep one back.
        """
        meta = self.runtime.get_modelmeta()
        text = meta.custom_metadata_map.get(ATLAS_KEY)
        if text is None:
            return None
        try:
            return Atlas.from_json(text, int(self.runtime.get_inputs()[0].shape[1]))
        except AtlasError as error:
            _log.warning("the atlas of model %s cannot be read: %s", meta.description, error)
            return None

    def run(self, values: NDArray[np.floating[Any]]) -> ModelOutput:
        """Return what the model says.

        Parameters
        ----------
        values : ndarray of shape (n_spectra, n_grid)
            Normalized absorption on the model's grid.
        """
        inputs = {INPUT: np.ascontiguousarray(values, dtype=np.float32)}
        given = [output.name for output in self.runtime.get_outputs()]
        found = {
            name: array.astype(np.float64)
            for name, array in zip(given, self.runtime.run(given, inputs), strict=True)
        }
        return ModelOutput(
            found[PROBABILITIES], found[OOD_SCORE], found.get(MEMBERS), found.get(RANKED)
        )


def load_onnxruntime() -> Any:
    """Return onnxruntime, with its telemetry off; nobody else imports it.

    Official builds send usage data from the process that opens a model unless they are told
    not to, by a variable of the environment before they are imported; it also goes to children.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with undisturbed():
        import onnxruntime
    turn_off = getattr(onnxruntime, "disable_telemetry_events", None)
    if turn_off is not None:  # where somebody imported it earlier
        turn_off()
    return onnxruntime


def open_session(content: bytes) -> Session:
    """Load an ONNX model from memory, on the GPU where there is one.

    Parameters
    ----------
    content : bytes
        The ONNX file.

    Raises
    ------
    Exception
        Whatever onnxruntime finds wrong with the content.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the networks are tiny; threads would only cost
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    wanted = [p for p in PROVIDERS if p in available]
    runtime = onnxruntime.InferenceSession(content, options, providers=wanted)
    return Session(runtime, runtime.get_providers()[0])
