"""Reading back what was published: tables, spectra, trends, exports, reports."""

from live_lce.results.catalog import ResultsError, find, open_runs
from live_lce.results.export import FORMATS, ExportError, export
from live_lce.results.query import QueryError, ResultQuery, epoch
from live_lce.results.report import report
from live_lce.results.spectra import PublishedSpectrum, spectra
from live_lce.results.tables import analyses, predictions
from live_lce.results.trend import TrendPoint, trend

__all__ = [
    "FORMATS",
    "ExportError",
    "PublishedSpectrum",
    "QueryError",
    "ResultQuery",
    "ResultsError",
    "TrendPoint",
    "analyses",
    "epoch",
    "export",
    "find",
    "open_runs",
    "predictions",
    "report",
    "spectra",
    "trend",
]
