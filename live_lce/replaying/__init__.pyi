# What this package makes public; __init__.py imports it from here when it is used.
from ._candidates import Candidates as Candidates
from ._pool import replayed as replayed
from ._replay import replay as replay
from ._setup import Setup as Setup
from ._summary import Summary as Summary
