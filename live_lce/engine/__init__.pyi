# What this package makes public; __init__.py imports it from here when it is used.
from ._engine import Engine as Engine, Output as Output
from ._external import Source as Source, UnreadableError as UnreadableError
from ._presets import PRESETS as PRESETS
from ._types import Result as Result, RunClosed as RunClosed, RunInfo as RunInfo
