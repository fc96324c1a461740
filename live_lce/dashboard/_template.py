"""The page as HTML, for one viewer."""

from __future__ import annotations

from functools import cache
from typing import Any

from bokeh.document import Document

from live_lce.dashboard._guard import own_scripts
from live_lce.dashboard._hysteresis import RULE
from live_lce.dashboard._page import Page
from live_lce.dashboard._services import Services
from live_lce.dashboard._style import text_of

TITLE = "live_lce"


@cache
def _template() -> Any:
    from jinja2 import Environment

    # Not escaped by itself, since Bokeh hands in scripts; what is measured comes by websocket.
    environment = Environment(autoescape=False)
    environment.filters["own"] = own_scripts
    return environment.from_string(text_of("page.html"))


def make_page(document: Document, services: Services) -> None:
    """Fill the document of a new viewer.

    Parameters
    ----------
    document : Document
        Of the viewer's session.
    services : Services
        What all viewers share.
    """
    document.title = TITLE
    document.template = _template()
    document.template_variables.update(css=text_of("page.css"), js=text_of("page.js"), rule=RULE)
    # The page tells by itself that its server is away.
    document.config.notify_connection_status = False
    Page(document, services)
