"""onnxruntime sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_lce.classifiers.card import INPUT, OOD_SCORE, PROBABILITIES
from live_lce.spectra.types import Array

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""In order of preference."""


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

    def run(self, values: NDArray[np.floating[Any]]) -> tuple[Array, Array]:
        """Return probabilities and out-of-distribution scores.

        Parameters
        ----------
        values : ndarray of shape (n_spectra, n_grid)
            Normalized absorption on the model's grid.

        Returns
        -------
        probabilities : ndarray of shape (n_spectra, n_classes)
            Each row sums to 1.
        ood_score : ndarray of shape (n_spectra,)
            Above 1: unlike the training spectra.
        """
        inputs = {INPUT: np.ascontiguousarray(values, dtype=np.float32)}
        probabilities, score = self.runtime.run([PROBABILITIES, OOD_SCORE], inputs)
        return probabilities.astype(np.float64), score.astype(np.float64)


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
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the networks are tiny; threads would only cost
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    available = onnxruntime.get_available_providers()
    wanted = [p for p in PROVIDERS if p in available]
    runtime = onnxruntime.InferenceSession(content, options, providers=wanted)
    return Session(runtime, runtime.get_providers()[0])
