# What this package makes public; __init__.py imports it from here when it is used.
from ._documents import (
    KEYS as KEYS,
    SCAN as SCAN,
    START_TIME as START_TIME,
    compose as compose,
    spectrum_rows as spectrum_rows,
    transmission_rows as transmission_rows,
)
from ._server import RecordingServer as RecordingServer
from ._spectra import foil_mu as foil_mu, xanes_energy as xanes_energy, xanes_mu as xanes_mu
