# What this package makes public; __init__.py imports it from here when it is used.
from ._analyses import PublishedAnalysis as PublishedAnalysis, analyses_of as analyses_of
from ._checks import Check as Check, tiled_checks as tiled_checks
from ._connection import Connection as Connection, explain as explain
from ._server import EmbeddedTiled as EmbeddedTiled, ServerError as ServerError
