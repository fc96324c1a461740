# What this package makes public; __init__.py imports it from here when it is used.
from ._callback import LiveLCE as LiveLCE
