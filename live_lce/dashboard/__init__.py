"""Serve the dashboard: one page, fed by Tiled alone (extra ``dashboard``).

`board` keeps what is known, `feed` fills it from Tiled, the views (`now`, `trend_view`, `why`,
`past`) draw it with Bokeh, `serve` serves it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
