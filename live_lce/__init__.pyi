# What this package makes public; __init__.py imports it from here when it is used.
from .analysis import Analysis as Analysis, analyse as analyse
from .classifiers import Prediction as Prediction, Registry as Registry
from .config import Config as Config, load_config as load_config
from .contract import Reason as Reason, Status as Status
from .datafiles import read_spectra as read_spectra
from .engine import Engine as Engine, Result as Result, RunClosed as RunClosed
from .live import LiveLCE as LiveLCE
from .pipeline import Pipeline as Pipeline
from .query import RunQuery as RunQuery
from .replaying import replay as replay
from .settings import AnalysisSettings as AnalysisSettings
from .spectra import (
    NormalizedSpectrum as NormalizedSpectrum,
    Spectrum as Spectrum,
    normalize as normalize,
)

__version__: str
