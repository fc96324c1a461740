# What this package makes public; __init__.py imports it from here when it is used.
from ._e0 import measured_e0 as measured_e0
from ._edges import identify as identify, tabulated_edge as tabulated_edge
from ._features import to_grid as to_grid
from ._foils import (
    FOILS as FOILS,
    FoilUnusableError as FoilUnusableError,
    first_inflection as first_inflection,
)
from ._normalize import normalize as normalize
from ._readings import Readings as Readings, assemble as assemble
from ._reference import edge_references as edge_references
from ._sweeps import split_sweeps as split_sweeps
from ._types import (
    Array as Array,
    NormalizedSpectrum as NormalizedSpectrum,
    Spectrum as Spectrum,
    SpectrumRejectedError as SpectrumRejectedError,
    Used as Used,
)
