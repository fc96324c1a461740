"""Build one viewer's page, choose what it shows, and keep it up to date."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from bokeh.core.properties import Int, String
from bokeh.document import Document
from bokeh.model import DataModel
from bokeh.models import Select, Toggle

from live_lce.dashboard import _fragments as fragments
from live_lce.dashboard._board import RunData
from live_lce.dashboard._guard import own_scripts
from live_lce.dashboard._hysteresis import RULE
from live_lce.dashboard._now import Chosen, NowView
from live_lce.dashboard._past import PastView
from live_lce.dashboard._services import Services
from live_lce.dashboard._spectrum import drawn
from live_lce.dashboard._style import sheet, text_of, theme, words
from live_lce.dashboard._trend_view import TrendView
from live_lce.dashboard._why import WhyView

logger = logging.getLogger(__name__)

TICK = 100
"""Milliseconds between two looks at the board: ten updates a second are enough for eyes."""
TICKS_PER_AGE = 10
"""So many looks until ages are told anew."""
LISTED = 300
"""Scans in the list, and spectra of one."""


class Viewer(DataModel):  # type: ignore[misc]
    """What page and server tell each other beside what is shown."""

    view = String("now")
    theme = String("light")
    step = Int(0)
    steps = Int(0)
    asked = String("")
    beat = Int(0)


class Page:
    """The page of one viewer.

    Parameters
    ----------
    document : Document
        Of the viewer's session.
    services : Services
        What all viewers share.
    """

    def __init__(self, document: Document, services: Services) -> None:
        self._services, self._document = services, document
        self._viewer = Viewer(name="viewer")
        widgets = [sheet("widgets.css")]
        self._status = words("status")
        self._scan = Select(name="scan", title="Scan", options=[], width=340, stylesheets=widgets)
        self._spectrum = Select(
            name="spectrum", title="Spectrum", options=[], width=110, stylesheets=widgets
        )
        self._follow = Toggle(
            name="follow", label="Follow the newest", active=True, width=150, stylesheets=widgets
        )
        self._now, self._why = NowView(), WhyView()
        self._trend = TrendView(services, self._open)
        self._past = PastView(services, self._open, self._later)
        self._uid, self._index = "", 0
        self._seen: tuple[Any, ...] = ()
        self._chosen: Chosen | None = None
        self._ticks = 0
        self._faults: set[str] = set()  # what was logged of views that could not be drawn
        self._listing = False  # the lists are being filled by us, not by the viewer
        self._viewer.on_change("view", lambda _a, _o, _n: self._again())
        self._viewer.on_change("theme", lambda _a, _o, _n: self._theme())
        self._viewer.on_change("steps", lambda _a, _o, _n: self._step(self._viewer.step))
        self._scan.on_change("value", lambda _a, _o, uid: self._pick(uid))
        self._spectrum.on_change("value", lambda _a, _o, number: self._pick_index(number))
        self._follow.on_change("active", lambda _a, _o, _n: self._again())
        self._theme()
        with document.models.freeze():  # all models are gone through once, not for each root
            for root in self._roots():
                document.add_root(root)
        self._asked_for(document)
        self.tick()
        document.add_periodic_callback(self.tick, TICK)

    def tick(self) -> None:
        """Bring the page up to date; cheap where nothing happened."""
        self._ticks += 1
        board = self._services.board
        seen = (board.version, self._services.signals.version)
        old = self._ticks % TICKS_PER_AGE == 0
        if old:
            self._viewer.beat += 1  # a page that misses it loads itself anew
        if seen != self._seen:
            self._seen = seen
            self._draw()
        elif old:
            self._by_itself("Now", self._age, self._now.fail)

    def _roots(self) -> list[Any]:
        own = [self._viewer, self._status, self._scan, self._spectrum, self._follow]
        views = (self._now, self._trend, self._why, self._past)
        return [*own, *(root for view in views for root in view.roots)]

    def _asked_for(self, document: Document) -> None:
        """Open the run that the address names: ``?run=UID&spectrum=N``."""
        context = document.session_context
        asked = {} if context is None else context.request.arguments
        if asked.get("run"):
            number = asked.get("spectrum", [b"0"])[0].decode()
            self._open(asked["run"][0].decode(), int(number) if number.isdigit() else 0, "")

    def _again(self) -> None:
        self._seen = ()
        self.tick()

    def _theme(self) -> None:
        name = "dark" if self._viewer.theme == "dark" else "light"
        self._document.theme = theme(name)
        for view in (self._now, self._trend, self._why):
            view.look(name)

    def _open(self, uid: str, index: int, view: str = "now") -> None:
        """Show a spectrum, wherever it was chosen."""
        self._follow.active = False
        self._uid, self._index = uid, index
        self._services.feed.want(uid)
        if view:  # a change is what the page listens to
            self._viewer.asked = f"{view} {self._ticks}"
        self._again()

    def _later(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """Do what waits for Tiled in another thread, and show what came of it."""

        def run() -> None:
            found = work()
            with suppress(RuntimeError):  # the viewer has gone
                self._document.add_next_tick_callback(lambda: done(found))

        self._services.pool.submit(run)

    def _pick(self, uid: str) -> None:
        if not self._listing and uid and uid != self._uid:
            self._open(uid, 0, "")

    def _pick_index(self, number: str) -> None:
        if not self._listing and number:
            self._follow.active = False
            self._index = int(number) - 1
            self._again()

    def _step(self, step: int) -> None:
        """Go to a newer (1) or older (-1) scan; 0 follows the newest."""
        uids = [run.analysis.uid for run in self._services.board.counting()]
        if not uids:
            return
        if step == 0:
            self._follow.active = True
            return
        at = uids.index(self._uid) if self._uid in uids else 0
        self._open(uids[min(max(at - step, 0), len(uids) - 1)], 0, "")

    def _draw(self) -> None:
        board = self._services.board
        counting = board.counting()
        if self._follow.active and counting:
            newest = counting[0].analysis.uid
            if newest != self._uid:
                self._uid = newest
                self._services.feed.want(newest)
            data = board.get(newest)
            self._index = 0 if data is None else data.last_index
        data = board.get(self._uid)
        if data is None and self._chosen is not None:  # it was forgotten meanwhile
            self._services.feed.want(self._uid)
        self._by_itself("The list of scans", lambda: self._list(data), self._no_list)
        self._by_itself("The state of Tiled", self._tell_link, lambda _: None)
        if self._by_itself("The spectrum", lambda: self._take(data), self._no_spectrum):
            if self._viewer.view == "why":
                self._by_itself("Why", self._draw_why, self._why.fail)
            else:
                self._by_itself("Now", self._draw_now, self._now.fail)
        if self._viewer.view == "trend":
            self._by_itself("Trend", self._draw_trend, self._trend.fail)

    def _by_itself(
        self, name: str, draw: Callable[[], object], fail: Callable[[str], object]
    ) -> bool:
        """Draw one part; where that fails, it says so, once in the log, and the others go on."""
        try:
            draw()
        except Exception as error:
            said = f"{name}: {type(error).__name__}: {error}"
            if said not in self._faults:
                self._faults.add(said)
                logger.exception("%s of run %s cannot be drawn", name, self._uid)
            with suppress(Exception):  # the viewer has gone
                fail(fragments.failed(name))
            return False
        return True

    def _no_list(self, _: str) -> None:
        self._scan.title = "Scan (the list cannot be drawn: see the log)"

    def _no_spectrum(self, text: str) -> None:
        self._now.fail(text)
        self._why.fail(text)

    def _take(self, data: RunData | None) -> None:
        old, self._chosen = self._chosen, None
        self._chosen = None if data is None else self._choose(data, old)

    def _draw_now(self) -> None:
        if self._chosen is None:
            self._now.clear(self._waiting())
        else:
            self._now.update(self._chosen, self._services.board.clock())

    def _draw_why(self) -> None:
        if self._chosen is None:
            self._why.clear()
        else:
            session = self._services.models.session(self._chosen.card)
            self._why.update(self._chosen, session, self._services.raw_link)

    def _draw_trend(self) -> None:
        self._trend.update(self._uid, self._index)

    def _choose(self, data: RunData, old: Chosen | None) -> Chosen | None:
        if not data.rows_of(self._index):
            if not data.complete:
                self._services.feed.want(self._uid)
            return None
        if old is not None and old.data is data and old.index == self._index:
            return old  # another run has news
        models = self._services.models
        card = models.card(data.run.analysis.model_sha256)
        spectrum = drawn(data, self._index, card)
        return Chosen(data, self._index, spectrum, card, models.atlas(card))

    def _tell_link(self) -> None:
        board = self._services.board
        text = fragments.status(board.link, board.begun, board.clock())
        if text != self._status.text:
            self._status.text = text

    def _age(self) -> None:
        """Let what is shown say how old it is."""
        self._tell_link()
        if self._chosen is None:
            self._now.say(self._waiting())
        else:
            self._now.tick(self._chosen, self._services.board.clock())

    def _waiting(self) -> str:
        board = self._services.board
        n_runs = len(board.counting())
        return fragments.waiting(board.link, board.begun, n_runs, board.clock(), self._uid)

    def _list(self, data: RunData | None) -> None:
        """Fill the lists of scans and of the spectra of the chosen one."""
        runs = self._services.board.counting()[:LISTED]
        options = [(run.analysis.uid, fragments.listed(run)) for run in runs]
        if data is not None and self._uid not in dict(options):
            options.insert(0, (self._uid, fragments.listed(data.run)))
        known = set() if data is None else {int(row["spectrum_index"]) for row in data.rows}
        numbers = sorted({*sorted(known)[-LISTED:], *(known & {self._index})})
        self._listing = True
        try:
            if self._scan.options != options:
                self._scan.options = options
            if self._scan.value != self._uid and self._uid in dict(options):
                self._scan.value = self._uid
            shown = [str(number + 1) for number in numbers]
            self._spectrum.visible = len(shown) > 1
            if self._spectrum.options != shown:
                self._spectrum.options = shown
            if str(self._index + 1) in shown:
                self._spectrum.value = str(self._index + 1)
        finally:
            self._listing = False


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
