"""Define the contract: the words of live_lce and the shape of what it publishes.

Imported by everything, imports nothing of ours.  The reference page
``docs/reference/contract.md`` is generated from it, and a test compares real
published documents with it.
"""

from live_lce.contract._columns import (
    GRID_SIZE,
    GRID_START,
    GRID_STEP,
    GRID_STOP,
    MEASURED_COLUMNS,
    MEASURED_POINTS,
    SPECTRA_COLUMNS,
    Column,
    prediction_columns,
)
from live_lce.contract._runs import (
    CONTRACT_VERSION,
    MEASURED_STREAM,
    PREDICTIONS_STREAM,
    SPEC_NAME,
    SPECTRA_STREAM,
    START_KEYS,
    STOP_KEYS,
    analysis_uid,
    attempt_uid,
    settings_hash,
    utf8,
)
from live_lce.contract._words import (
    ANSWERED,
    CLASS_WORDS,
    DEFAULT_CLASSES,
    OTHER,
    REASON_WORDS,
    STATUS_WORDS,
    Finding,
    Reason,
    Status,
    join_reasons,
)

__all__ = [
    "ANSWERED",
    "CLASS_WORDS",
    "CONTRACT_VERSION",
    "DEFAULT_CLASSES",
    "GRID_SIZE",
    "GRID_START",
    "GRID_STEP",
    "GRID_STOP",
    "MEASURED_COLUMNS",
    "MEASURED_POINTS",
    "MEASURED_STREAM",
    "OTHER",
    "PREDICTIONS_STREAM",
    "REASON_WORDS",
    "SPECTRA_COLUMNS",
    "SPECTRA_STREAM",
    "SPEC_NAME",
    "START_KEYS",
    "STATUS_WORDS",
    "STOP_KEYS",
    "Column",
    "Finding",
    "Reason",
    "Status",
    "analysis_uid",
    "attempt_uid",
    "join_reasons",
    "prediction_columns",
    "settings_hash",
    "utf8",
]
