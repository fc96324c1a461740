"""Reading back what was published: tables, spectra, exports with their provenance."""

from live_lce.results.catalog import ResultsError, open_runs
from live_lce.results.export import FORMATS, ExportError, export
from live_lce.results.query import QueryError, ResultQuery, epoch
from live_lce.results.spectra import PublishedSpectrum, spectra
from live_lce.results.tables import analyses, predictions

__all__ = [
    "FORMATS",
    "ExportError",
    "PublishedSpectrum",
    "QueryError",
    "ResultQuery",
    "ResultsError",
    "analyses",
    "epoch",
    "export",
    "open_runs",
    "predictions",
    "spectra",
]
