"""Build the parts of a report that state models, settings and provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from live_lce.results._report_data import ReportData, UsedModel
from live_lce.results._report_html import (
    Html,
    chip,
    count,
    element,
    moment,
    number_in,
    section,
    table,
)

_METRICS = {
    "n": "spectra",
    "n_answered": "answered",
    "accuracy_answered": "right of the answered",
    "macro_f1": "macro F1",
    "ece": "calibration error",
    "fraction_mae": "error of fractions",
}
"""Of a card, where it has them."""


def models(data: ReportData) -> Html:
    """Return which models answered, and what their cards say of them."""
    rows = [
        (
            m.name or "no model",
            m.version or "–",
            element("code", m.sha256) if m.sha256 else "–",
            m.n_runs,
            _reads(m),
        )
        for m in data.models
    ]
    head = ("model", "version", "sha256", "runs", "reads, eV from the edge")
    known = [(m.name, *line) for m in data.models if m.card for line in _metrics(m.card)]
    parts = [table(head, rows, "short")]
    if known:
        parts.append(element("h3", "How well they do, as their cards say"))
        parts.append(table(("model", "judged on", *_METRICS.values()), known, "short"))
    licences: dict[str, list[str]] = {}
    for m in data.models:
        if m.card and m.card.get("licence"):
            licences.setdefault(str(m.card["licence"]), []).append(m.name)
    for licence, names in licences.items():
        parts.append(element("p", f"Licence of {', '.join(names)}: {licence}", class_="note"))
    missing = [m.name for m in data.models if m.name and not m.card]
    if missing:
        text = f"The cards of {', '.join(missing)} are not installed where this report was made."
        parts.append(element("p", text, class_="note"))
    return section("Models", *parts)


def settings(data: ReportData) -> Html:
    """Return the settings and the versions of packages in use."""
    parts: list[Html] = []
    for used in data.settings:
        parts.append(
            element("p", f"{count(used.n_runs, 'run')}, hash ", element("code", used.digest))
        )
        values = used.values.items()
        pairs = [element("div", element("dt", k), element("dd", v or "–")) for k, v in values]
        parts.append(element("dl", *pairs, class_="settings"))
    parts.append(element("h3", "Versions"))
    versions = [f"{name} {' and '.join(v)}" for name, v in data.versions.items()]
    parts.append(element("p", ", ".join(versions)))
    return section("Settings", *parts)


def provenance(data: ReportData) -> Html:
    """Return a line for each spectrum, with the uids of its raw run and of its analysis."""
    of = {run.analysis.uid: run for run in data.runs}
    rows = [
        (
            moment(p.time),
            "–" if p.scan_id is None else p.scan_id,
            p.sample or "–",
            p.absorber or "–",
            chip(p.label, data.looks) if p.answered else p.status,
            f"{p.confidence:.2f}" if p.answered else "–",
            p.reason.replace(";", ", ").replace("_", " "),
            of[p.analysis_uid].used or "–",
            element("code", p.raw_uid),
            element("code", p.analysis_uid + number_in(of[p.analysis_uid], p.spectrum_index)),
        )
        for p in data.points
    ]
    head = (
        *("time", "scan", "sample", "absorber", "label", "probability", "remarks"),
        *("used", "raw run", "analysis run"),
    )
    return section("Provenance", table(head, rows, "fine"))


def _metrics(card: Mapping[str, Any]) -> list[tuple[object, ...]]:
    sets = {k: v for k, v in (card.get("metrics") or {}).items() if isinstance(v, Mapping)}
    return [(name, *(_number(v.get(key)) for key in _METRICS)) for name, v in sets.items()]


def _reads(model: UsedModel) -> str:
    window = (model.card or {}).get("needs") or (model.card or {}).get("grid")
    return f"{window['start']:g} to {window['stop']:g}" if window else "–"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
