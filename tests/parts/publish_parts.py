"""Results for the tests of publishing: an arctangent edge and decisions on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from live_lce.classifiers import ModelIdentity, Prediction
from live_lce.contract import ANSWERED, Finding, Reason, Status
from live_lce.engine import Result, RunInfo
from live_lce.spectra import NormalizedSpectrum

RAW_UID = "0b1ffa52-1111-4c4c-8888-0123456789ab"
MODEL = ModelIdentity("carbone-cnn-Fe", "1.2.0", "ab" * 32, "CPUExecutionProvider")
CLASSES = ("T4", "S5", "O6")


def a_run(
    uid: str = RAW_UID, stream: str = "primary", *, empty: bool = False, **metadata: Any
) -> RunInfo:
    start = {} if empty else {"uid": uid, "time": 1.7e9, "plan_name": "scan"} | metadata
    return RunInfo(uid, stream, start)


def a_spectrum(absorber: str = "Fe") -> NormalizedSpectrum:
    energy = np.arange(7000.0, 7200.0, 0.8)
    norm = np.arctan((energy - 7120.0) / 2) / np.pi + 0.5
    return NormalizedSpectrum(
        energy, norm, energy, absorber, "K", e0=7119.5, edge_reference=7120.0, edge_step=0.8,
        pre1=-120.0, pre2=-30.0, norm1=50.0, norm2=80.0, nnorm=1, noise=0.004,
    )  # fmt: skip


def a_result(
    index: int = 0,
    *,
    final: bool = True,
    run: RunInfo | None = None,
    absorber: str = "Fe",
    label: str = "O6",
    confidence: float = 0.875,
    status: Status = Status.OK,
    reasons: tuple[Reason, ...] = (),
    model: bool = True,
) -> Result:
    answered = status in ANSWERED
    rest = (1 - confidence) / 2
    probabilities = np.array([confidence if c == label else rest for c in CLASSES])
    prediction = Prediction(
        status=status,
        findings=tuple(Finding(r) for r in reasons),
        absorber=absorber,
        edge="K",
        label=label if answered else "",
        confidence=confidence if answered else 0.0,
        classes=CLASSES,
        probabilities=probabilities if answered else None,
        label_set=(label,) if answered else (),
        ood_score=0.5 if answered else float("nan"),
        coverage=1.0 if answered else 0.0,
        model=MODEL if model else ModelIdentity(),
    )
    return Result(
        run or a_run(),
        index,
        final,
        prediction,
        a_spectrum(absorber) if answered else None,
        n_points=250,
        n_dropped=1,
        raw_seq_num_first=1,
        raw_seq_num_last=251,
        raw_time=1.7e9 + 300,
    )
