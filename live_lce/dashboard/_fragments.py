"""Build pieces of HTML; everything from metadata is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from live_lce.classifiers import ModelCard
from live_lce.dashboard._board import Begun, Link, LinkState, Row, RunData
from live_lce.dashboard._hysteresis import RULE, Shown, said
from live_lce.dashboard._words import (
    ago,
    class_word,
    flags,
    headline,
    lasting,
    moment,
    percent,
    subline,
)
from live_lce.results import NOT_ANSWERED, PublishedRun, looks

STALE_AFTER = 120.0
"""A scan that is open and without news for so long may have been paused or lost (s)."""

_LINK_WORDS = {
    Link.CONNECTING: "connecting to Tiled",
    Link.STREAMING: "live",
    Link.POLLING: "live, by asking every second",
}


def status(link: LinkState, begun: Sequence[Begun], now: float) -> str:
    """Return how Tiled is reached, and what is being measured beside what is shown."""
    words = _LINK_WORDS.get(link.link) or f"{_gone(link)}, for {lasting(now - link.since)}"
    return (
        f'<span class="status {link.link}" role="status" title="{escape(link.detail)}">'
        f'<i aria-hidden="true"></i>{escape(words)}{escape(_measuring(begun))}</span>'
    )


def _gone(link: LinkState) -> str:
    """Return what to say of a server that does not answer: it may never have."""
    return "Tiled is gone" if link.reached else "Tiled was not reached yet"


def _measuring(begun: Sequence[Begun]) -> str:
    if not begun:
        return ""
    scan = "" if begun[0].scan_id is None else f", scan {begun[0].scan_id}"
    return f"; measuring: {begun[0].sample or 'a run'}{scan}"


def waiting(
    link: LinkState, begun: Sequence[Begun], n_runs: int, now: float, wanted: str = ""
) -> str:
    """Return what to say where there is no prediction to show.

    Parameters
    ----------
    link, begun, n_runs
        How Tiled is reached, what is being measured, and how many runs are in view.
    now : float
        The time (s since 1970).
    wanted : str
        Uid of the analysis run that was asked for.
    """
    if link.link is Link.CONNECTING:
        head, text = "connecting", "Asking Tiled for what there is."
    elif link.link is Link.GONE:
        at = f"At {link.address}. " if link.address and not link.reached else ""
        head, text = _gone(link), f"{at}{link.detail} Trying again every two seconds."
    elif wanted:
        head = "reading"
        text = f"Analysis run {wanted} is asked for; if this stays, Tiled has no such run."
    elif begun:
        scan = "" if begun[0].scan_id is None else f"scan {begun[0].scan_id}, "
        head = "measuring"
        text = (
            f"{begun[0].sample or 'A run'} ({scan}started {ago(now - begun[0].time)}): "
            "the first prediction comes 10 eV past the edge."
        )
    elif n_runs:
        head, text = "choose a scan", f"{n_runs} analysed scans are in view."
    else:
        head = "waiting"
        text = "Nothing has been analysed yet: the first XANES scan will appear here by itself."
    return f'<div class="headline"><b>{escape(head)}</b><p>{escape(text)}</p></div>'


def words(data: RunData, shown: Shown, reach: float, now: float) -> str:
    """Return the environment in words, large."""
    row = shown.row
    signals = used(data.start)
    lines = [
        f'<p class="which">{escape(title(data.run))}</p>',
        *([f'<p class="used">{escape(signals)}</p>'] if signals else []),
        f"<b>{_mark(said(row), data.run.classes)}{escape(headline(row))}</b>",
        f'<p class="sure">{escape(subline(row, reach))}</p>',
    ]
    if shown.held:
        latest = f"the newest prediction says {headline(shown.latest)}"
        lines.append(f'<p class="held" title="{escape(RULE)}">{escape(latest)}, once so far</p>')
    lines.append(f'<p class="when">{escape(_when(data, shown.latest, now))}</p>')
    edge = f"border-color:{colour(said(row), data.run.classes)}"
    return f'<div class="headline" style="{edge}" aria-live="polite">{"".join(lines)}</div>'


def failed(name: str) -> str:
    """Return what a view says that cannot be drawn."""
    return (
        f'<div class="headline"><b>{escape(name)} cannot be drawn</b><p>The log of the dashboard'
        " says why; the other views go on, and so does this one with another scan.</p></div>"
    )


def used(start: Mapping[str, Any]) -> str:
    """Return which signals an analysis run used, in its own words; empty where it does not say."""
    ours = start.get("live_lce")
    found = ours.get("used") if isinstance(ours, Mapping) else None
    said = found.get("words") if isinstance(found, Mapping) else None
    return said if isinstance(said, str) else ""


def title(run: PublishedRun) -> str:
    """Return which scan it is: sample, absorber, number."""
    parts = [
        run.sample or "unnamed sample",
        f"{run.analysis.absorber} {run.edge}".strip(),
        "" if run.scan_id is None else f"scan {run.scan_id}",
    ]
    return ", ".join(filter(None, parts))


def listed(run: PublishedRun) -> str:
    """Return a scan's line in the list of scans."""
    said = run.label or run.status or "running"
    return f"{title(run)}: {said}, {moment(run.raw_time)[5:16]}"


def probabilities(row: Row, classes: Sequence[str]) -> str:
    """Return the probabilities as bars with numbers."""
    bars = []
    for name in classes:
        p = float(row.get(f"p_{name}", math.nan))
        spread = float(row.get(f"spread_{name}", math.nan))
        if not math.isfinite(p):
            continue
        about = f" ± {100 * spread:.0f}" if math.isfinite(spread) else ""
        hint = f"{name}: {class_word(name)}; ± is how far the model's members disagree"
        bars.append(
            f'<tr title="{escape(hint)}"><th>{_mark(name, classes)}{escape(name)}'
            f" <small>{escape(class_word(name))}</small></th>"
            f'<td class="bar"><i style="width:{100 * p:.1f}%;'
            f'background:{colour(name, classes)}"></i></td>'
            f'<td class="number">{escape(percent(p))}<small>{about}</small></td></tr>'
        )
    if not bars:
        return '<p class="faint">No probabilities: the model was not asked.</p>'
    return f'<table class="bars">{"".join(bars)}</table>'


def advice(row: Row) -> str:
    """Return the quality flags with what to do."""
    items = [
        f'<li class="{"decides" if flag.decides else "remark"}" title="{escape(flag.code)}">'
        f"<b>{escape(flag.words)}</b>"
        + (f": {escape(flag.advice)}" if flag.advice else "")
        + "</li>"
        for flag in flags(row)
    ]
    if not items:
        return '<p class="faint">Nothing to object to.</p>'
    return f'<ul class="flags">{"".join(items)}</ul>'


def provenance(data: RunData, row: Row, raw_link: str) -> str:
    """Return where a prediction comes from, down to the raw run."""
    run, analysis = data.run, data.run.analysis
    raw = escape(analysis.raw_uid)
    known = {
        "raw run": f'<a href="{escape(raw_link)}">{raw}</a>' if raw_link else raw,
        "raw stream, events": escape(
            f"{analysis.stream}, {row['raw_seq_num_first']} to {row['raw_seq_num_last']}"
        ),
        "raw run started": escape(moment(run.raw_time)),
        "analysis run": escape(analysis.uid),
        "attempt": escape(str(analysis.attempt)),
        "superseded by": escape(analysis.superseded_by),
        "source": escape(run.source),
        "settings": escape(analysis.settings_hash),
        "contract": escape(run.contract),
        "versions": escape(", ".join(f"{k} {v}" for k, v in sorted(run.versions.items()))),
    }
    return _table((name, value) for name, value in known.items() if value)


def model_card(run: PublishedRun, card: ModelCard | None) -> str:
    """Return what is known of the model, from its card if that is installed here."""
    known = {
        "model": f"{run.model} {run.model_version}",
        "sha256": run.analysis.model_sha256,
        "classes": ", ".join(run.classes),
    }
    if not run.model:
        return '<p class="faint">No model judged this spectrum.</p>'
    if card is None:
        note = "This model is not installed where the dashboard runs: its card is not known here."
        return _table((k, escape(v)) for k, v in known.items()) + f'<p class="faint">{note}</p>'
    rows = ", ".join(f"{n} {label}" for label, n in card.training.rows.items())
    known |= {
        "reads": f"{card.grid.start:+g} to {card.grid.stop:+g} eV from the edge reference",
        "needs": f"{card.needed[0]:+g} to {card.needed[-1]:+g} eV",
        "answers from": f"{100 * card.min_confidence:.0f} %",
        "architecture": card.architecture,
        "trained on": f"{rows} ({', '.join(f.name for f in card.training.files)})",
        "out of distribution": f"{card.ood.method}; 1 means: {card.ood.threshold}",
        **{f"metrics, {name}": text for name, text in _metrics(card)},
        "licence": card.licence,
    }
    return _table((name, escape(value)) for name, value in known.items())


def is_stale(data: RunData, now: float) -> bool:
    """Whether a scan is open and without news for long."""
    return not data.run.analysis.ended and now - data.heard > STALE_AFTER


def _metrics(card: ModelCard) -> Iterable[tuple[str, str]]:
    for name, found in card.metrics.items():
        numbers = found if isinstance(found, Mapping) else {"": found}
        said = [f"{key} {value:.3g}" for key, value in numbers.items() if isinstance(value, float)]
        if said:
            yield name, ", ".join(said[:6])


def _when(data: RunData, row: Row, now: float) -> str:
    if data.run.analysis.ended or row["final"]:
        return f"scan ended; measured {moment(float(row['raw_time']))}"
    if is_stale(data, now):
        return f"no news for {lasting(now - data.heard)}: is the scan paused?"
    return f"scan running; last news {ago(now - data.heard)}"


def colour(label: str, classes: Sequence[str] = ()) -> str:
    """Return the colour of one of a model's classes; of no answer, if the label is empty."""
    return looks([*classes, label])[label].colour if label else NOT_ANSWERED


def _mark(label: str, classes: Sequence[str]) -> str:
    if not label:
        return ""
    return f'<i class="mark" style="background:{colour(label, classes)}" aria-hidden="true"></i>'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows)
    return f'<table class="facts">{cells}</table>'
