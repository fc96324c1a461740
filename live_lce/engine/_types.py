"""Define what the engine hands to a publisher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from live_lce.classifiers import Prediction
from live_lce.spectra import NormalizedSpectrum, Spectrum, Used


@dataclass(frozen=True)
class RunInfo:
    """The raw run and stream that predictions belong to.

    Parameters
    ----------
    uid : str
        Uid of the raw run.
    stream : str
        Stream that holds the spectrum; empty if none was seen.
    start : mapping
        The raw start document (empty if it was missed).
    sample : str
        Name of the sample, wherever the beamline puts it; empty if it is not stated.
    """

    uid: str
    stream: str = ""
    start: Mapping[str, Any] = field(default_factory=dict)
    sample: str = ""


@dataclass(frozen=True)
class Result:
    """One prediction on one spectrum of a run.

    Parameters
    ----------
    run : RunInfo
        Where it comes from.
    spectrum_index : int
        Counts the spectra of this run and stream from 0.
    final : bool
        Whether this is the last prediction of the spectrum.
    prediction : Prediction
        The decision.
    normalized : NormalizedSpectrum, optional
        None where quality control rejected the spectrum.
    n_points, n_dropped : int
        Points used for the spectrum, and dropped from it.
    raw_seq_num_first, raw_seq_num_last : int
        Raw events used; 0 if none.
    raw_time : float
        Time of the last raw event used; NaN if none.
    spectrum : Spectrum, optional
        As built from the raw events; None where none could be built.
    """

    run: RunInfo
    spectrum_index: int
    final: bool
    prediction: Prediction
    normalized: NormalizedSpectrum | None = None
    n_points: int = 0
    n_dropped: int = 0
    raw_seq_num_first: int = 0
    raw_seq_num_last: int = 0
    raw_time: float = float("nan")
    spectrum: Spectrum | None = None

    def __repr__(self) -> str:
        """Return one short line; metadata may be of any size and depth, arrays are long."""
        found = self.prediction
        edge = " ".join(repr(one[:20])[1:-1] for one in (found.absorber, found.edge) if one)
        said = f"{found.label} {found.confidence:.2f}" if found.answered else found.status.value
        return (
            f"<Result {'final' if self.final else 'partial'}, run {self.run.uid[:8]!r}, spectrum "
            f"{self.spectrum_index}{', ' if edge else ''}{edge}: {said}, {self.n_points} points>"
        )

    @property
    def used(self) -> Used:
        """What mu was made of; empty where no spectrum could be built."""
        return self.spectrum.used if self.spectrum is not None else Used()


@dataclass(frozen=True)
class RunClosed:
    """No more results will come for this run.

    Parameters
    ----------
    uid : str
        Uid of the raw run.
    exit_status : str
        ``success``, ``abort`` or ``fail`` of the raw stop document, or
        ``unknown`` where none came.
    """

    uid: str
    exit_status: str
