# What this package makes public; __init__.py imports it from here when it is used.
from ._catalog import (
    PublishedRun as PublishedRun,
    ResultsError as ResultsError,
    find as find,
    open_runs as open_runs,
)
from ._csv import trend_csv as trend_csv
from ._export import FORMATS as FORMATS, ExportError as ExportError, export as export
from ._figures import spectrum_figure as spectrum_figure, trend_figure as trend_figure
from ._points import (
    MeasuredPoints as MeasuredPoints,
    measured_points as measured_points,
    points_of as points_of,
)
from ._presentation import NOT_ANSWERED as NOT_ANSWERED, in_order as in_order, looks as looks
from ._query import QueryError as QueryError, ResultQuery as ResultQuery, epoch as epoch
from ._report import report as report
from ._signals import signal_names as signal_names, signal_values as signal_values
from ._spectra import PublishedSpectrum as PublishedSpectrum, spectra as spectra
from ._stacked import Stacked as Stacked, stacked as stacked, times as times
from ._tables import analyses as analyses, predictions as predictions
from ._trend import (
    TrendPoint as TrendPoint,
    classes_of as classes_of,
    split as split,
    trend as trend,
)
