"""Draw the view *Past*: find any published run by what its documents say."""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from bokeh.models import (
    Button,
    ColumnDataSource,
    DataTable,
    DatePicker,
    NumberFormatter,
    Select,
    TableColumn,
    TextInput,
)

from live_lce.contract import DEFAULT_CLASSES, Status
from live_lce.dashboard._archive import Found
from live_lce.dashboard._links import query_links, spectrum_links
from live_lce.dashboard._services import Services
from live_lce.dashboard._style import sheet, words
from live_lce.dashboard._trend_view import Open
from live_lce.dashboard._words import moment
from live_lce.query import RunQuery
from live_lce.results import PublishedRun, ResultsError

logger = logging.getLogger(__name__)

ANY = "any"
Later = Callable[[Callable[[], Any], Callable[[Any], object]], None]
_DAY = 86_400.0
_COLUMNS = {
    "started": ("started", 160),
    "sample": ("sample", 160),
    "scan": ("scan", 60),
    "absorber": ("absorber", 70),
    "label": ("label", 60),
    "sure": ("%", 50),
    "status": ("status", 80),
    "n": ("spectra", 60),
    "reason": ("reason", 260),
}


class PastView:
    """Query, table and links of one viewer.

    Parameters
    ----------
    services : Services
        What all viewers share.
    opened : callable
        Shows a spectrum: uid of the analysis run, number of the spectrum, view.
    later : callable
        Takes what is to be done in another thread, and what takes its result.
    """

    def __init__(self, services: Services, opened: Open, later: Later) -> None:
        self._services, self._opened, self._later = services, opened, later
        widgets = [sheet("widgets.css")]
        self._sample = TextInput(
            title="Sample (whole name)", width=180, name="past_sample", stylesheets=widgets
        )
        self._absorber = TextInput(
            name="past_absorber", title="Absorber", width=90, placeholder="Fe", stylesheets=widgets
        )
        self._label = Select(
            name="past_label",
            title="Label",
            options=[ANY, *DEFAULT_CLASSES],
            value=ANY,
            width=90,
            stylesheets=widgets,
        )
        self._status = Select(
            name="past_status",
            title="Status",
            options=[ANY, *Status],
            value=ANY,
            width=110,
            stylesheets=widgets,
        )
        self._since = DatePicker(name="past_since", title="From", width=120, stylesheets=widgets)
        self._until = DatePicker(name="past_until", title="To", width=120, stylesheets=widgets)
        self._go = Button(
            label="Search", button_type="primary", width=90, name="past_go", stylesheets=widgets
        )
        self._said = words("past_said", _HINT)
        self._links = words("past_links")
        self._source = ColumnDataSource({name: [] for name in (*_COLUMNS, "uid")})
        self._table = DataTable(
            name="past_table",
            stylesheets=[sheet("table.css")],
            source=self._source,
            columns=[
                TableColumn(
                    field=name,
                    title=title,
                    width=width,
                    **({"formatter": NumberFormatter(format="0")} if name == "sure" else {}),
                )
                for name, (title, width) in _COLUMNS.items()
            ],
            index_position=None,
            sizing_mode="stretch_width",
            height=420,
            sortable=True,
            reorderable=False,  # would want jquery-ui
            visible=False,
        )
        self._go.on_click(self._search)
        self._source.selected.on_change("indices", self._selected)

    @property
    def roots(self) -> list[Any]:
        """The models that the page places, each by its name."""
        asked = [self._sample, self._absorber, self._label, self._status, self._since, self._until]
        return [*asked, self._go, self._said, self._table, self._links]

    def _search(self) -> None:
        """Search; Tiled is waited for in another thread."""
        self._said.text = "<p>Searching ...</p>"
        self._links.text = ""
        asked = self._asked()

        def work() -> Found | Exception:
            try:
                return self._services.archive.search(RunQuery(**asked))
            except (ResultsError, ValueError) as error:
                return error

        self._later(work, lambda found: self._show(found, asked))

    def _asked(self) -> dict[str, Any]:
        words = {
            "sample": self._sample.value.strip(),
            "absorber": self._absorber.value.strip().capitalize(),
            "label": "" if self._label.value == ANY else self._label.value,
            "status": "" if self._status.value == ANY else self._status.value,
        }
        asked: dict[str, Any] = {key: value for key, value in words.items() if value}
        if self._since.value:
            asked["since"] = _midnight(str(self._since.value))
        if self._until.value:
            asked["until"] = _midnight(str(self._until.value)) + _DAY - 1
        return asked

    def _show(self, found: Found | Exception, asked: Mapping[str, Any]) -> None:
        if isinstance(found, Exception):
            self._said.text = f"<p><b>{escape(str(found))}</b></p>"
            return
        text = {k: f"{v:.0f}" if isinstance(v, float) else v for k, v in asked.items()}
        self._links.text = query_links(text, f"All {found.total}") if found.total else ""
        rows = [_row(run) for run in found.runs]
        self._source.selected.indices = []
        self._source.data = {name: [row[name] for row in rows] for name in (*_COLUMNS, "uid")}
        self._table.visible = bool(rows)
        if not rows:
            self._said.text = "<p>Nothing was found: ask for less.</p>"
        elif found.total > len(rows):
            self._said.text = f"<p>The newest {len(rows)} of {found.total} runs. {_CLICK}</p>"
        else:
            self._said.text = f"<p>{found.total} runs. {_CLICK}</p>"

    def _selected(self, _name: str, _old: Any, rows: list[int]) -> None:
        if rows:
            uid = self._source.data["uid"][rows[0]]
            self._links.text = spectrum_links(uid, 0)
            self._opened(uid, 0, "now")


_CLICK = "Click one to see it; older and newer ones with the arrow keys."
_HINT = "<p>Search what was published; leave a field empty where it does not matter.</p>"


def _row(run: PublishedRun) -> dict[str, Any]:
    return {
        "started": moment(run.raw_time),
        "sample": run.sample,
        "scan": "" if run.scan_id is None else run.scan_id,
        "absorber": run.analysis.absorber,
        "label": run.label,
        "sure": 100 * run.confidence if run.label else math.nan,
        "status": run.status or "running",
        "n": run.n_final,
        "reason": run.reason.replace(";", ", "),
        "uid": run.analysis.uid,
    }


def _midnight(day: str) -> float:
    return dt.datetime.fromisoformat(day).timestamp()
