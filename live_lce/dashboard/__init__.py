"""The dashboard: one page, fed by Tiled alone (extra ``dashboard``).

`board` keeps what is known, `feed` fills it from Tiled, the views (`now`, `trend_view`, `why`,
`past`) draw it with Bokeh, `serve` serves it.
"""
