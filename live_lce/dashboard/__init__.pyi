# What this package makes public; __init__.py imports it from here when it is used.
from ._serve import (
    Dashboard as Dashboard,
    DashboardError as DashboardError,
    DashboardSource as DashboardSource,
)
