# What this package makes public; __init__.py imports it from here when it is used.
from ._dead_letter import DeadLetters as DeadLetters, Failure as Failure
from ._documents import AnalysisRun as AnalysisRun
from ._publisher import (
    Publisher as Publisher,
    SpoolPublisher as SpoolPublisher,
    TiledPublisher as TiledPublisher,
)
from ._republish import republish as republish
