# What this package makes public; __init__.py imports it from here when it is used.
from ._files import (
    FileError as FileError,
    FileSpectrum as FileSpectrum,
    read_spectra as read_spectra,
    read_tables as read_tables,
)
