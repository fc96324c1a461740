"""Build a report as one HTML page without scripts or outside addresses."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

from live_lce.contract import STATUS_WORDS, Status
from live_lce.results._figures import trend_figure
from live_lce.results._presentation import NOT_ANSWERED, class_words, reason_words
from live_lce.results._report_data import MOST_SPECTRA, ReportData
from live_lce.results._report_html import (
    Html,
    chip,
    count,
    element,
    joined,
    labels,
    moment,
    number_in,
    probability,
    section,
    span,
    statuses,
    table,
)
from live_lce.results._report_sources import models, provenance, settings
from live_lce.results._report_svg import INK, highest, inline, small
from live_lce.results._spectra import PublishedSpectrum

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(data: ReportData, *, title: str, asked: str, made: float) -> str:
    """Return the page.

    Parameters
    ----------
    data : ReportData
        What it says.
    title : str
        Of the page.
    asked : str
        The query, in words.
    made : float
        When it was made (s since 1970).
    """
    sections = [
        _summary(data),
        _trends(data),
        _small_multiples(data),
        _reasons(data),
        models(data),
        settings(data),
        provenance(data),
    ]
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    head = joined(
        [
            Html('<meta charset="utf-8">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            Html('<meta name="color-scheme" content="light dark">'),
            element("title", title),
            element("style", Html(style)),
        ]
    )
    top = element("header", element("h1", title), element("p", asked, class_="asked"))
    foot = element(
        "footer",
        f"Made by live_lce {version('live_lce')} on {moment(made)} UTC from what was published to "
        "Tiled. All times are in UTC.",
    )
    body = joined([top, element("main", *sections), foot])
    document = element("html", element("head", head), element("body", body), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _summary(data: ReportData) -> Html:
    points, runs = data.points, data.runs
    answered = sum(p.answered for p in points)
    spoken = {point.analysis_uid for point in points}
    silent = sum(run.analysis.uid not in spoken for run in runs)
    lines = [f"{count(len(points), 'spectrum', 'spectra')} of {count(len(runs), 'run')}"]
    lines.append(f"{answered} answered, {len(points) - answered} not answered")
    if silent:
        lines.append(f"{count(silent, 'run')} without a final prediction")
    lines.append(span(points))
    rows = [
        (
            one.sample or "–",
            f"{one.absorber} {one.edge}",
            len(one.points),
            span(one.points),
            labels(one.points, data.looks),
            probability(one.points),
            statuses(one.points),
        )
        for one in data.summary
    ]
    head = ("sample", "edge", "spectra", "time", "labels", "probability", "status")
    return section(
        "Summary",
        element("p", labels(points, data.looks), class_="answer"),
        element("p", " · ".join(filter(None, lines))),
        table(head, rows, "summary"),
        element("p", _legend(data), class_="note"),
    )


def _trends(data: ReportData) -> Html:
    if not data.drawn:
        return Html("")
    figures = []
    for number, series in enumerate(data.drawn):
        svg = trend_figure(
            series.points, "svg", x=data.places(series.points), x_label=data.axis_label,
            title=series.title, look=data.looks, ink=INK, paper="none",
        )  # fmt: skip
        picture = Html(inline(svg, f"t{number}", f"Trend of {series.title}"))
        figures.append(element("figure", element("div", picture, class_="wide"), class_="trend"))
    return section(
        "Trend",
        element(
            "p",
            "The model's probabilities, stacked and by themselves; bands and bars are the standard "
            "deviation among the model's members. Hatched: not answered. Empty: not measured. "
            "How near such probabilities come to fractions of a mixture is on the model's card. "
            "Samples with few spectra are drawn together."
            + (f" Against {data.axis_label}, where it was recorded." if data.axis_label else ""),
            class_="note",
        ),
        *figures,
    )


def _small_multiples(data: ReportData) -> Html:
    if not data.spectra:
        return Html("")
    top = highest(data.spectra)
    pictures = []
    for spectrum in data.spectra:
        label = spectrum.row["label"]
        colour = data.looks[label].colour if label else NOT_ANSWERED
        picture = Html(small(spectrum, top, colour))
        caption = element("figcaption", _caption(spectrum, data))
        pictures.append(element("figure", picture, caption, class_="small"))
    chosen = "All spectra that could be normalized"
    if data.n_spectra > MOST_SPECTRA:
        chosen = f"{len(pictures)} spectra, evenly chosen of {data.n_spectra}"
    text = (
        f"{chosen}. Normalized absorption from -30 to 100 eV around the edge reference, all on one "
        f"scale up to {top:.1f}; thin lines: 1, and E0."
    )
    return section(
        "Spectra", element("p", text, class_="note"), element("div", *pictures, class_="grid")
    )


def _reasons(data: ReportData) -> Html:
    if not data.reasons:
        return Html("")
    rows = [(code.replace("_", " "), n, reason_words(code)) for code, n in data.reasons]
    table_ = table(("reason", "spectra", "what it means, and what to do"), rows, "words")
    return section("Remarks, and what to do", table_)


def _caption(spectrum: PublishedSpectrum, data: ReportData) -> Html:
    row, run = spectrum.row, spectrum.run
    said = row["status"]
    if row["label"]:
        said = joined([chip(row["label"], data.looks), f" {row['confidence']:.2f}"])
    scan = f"scan {run.scan_id}" if run.scan_id is not None else run.analysis.raw_uid[:8]
    number = number_in(run, spectrum.spectrum_index)
    which = element("span", f"{scan}{number} · {run.sample}".rstrip(" ·"), class_="which")
    return joined([said, Html("<br>"), which])


def _legend(data: ReportData) -> Html:
    meant = [joined([chip(c, data.looks), f" {class_words(c)}"]) for c in data.looks]
    known = [s for s in dict.fromkeys(p.status for p in data.points) if s in set(Status)]
    told = [joined([element("b", s), f" {STATUS_WORDS[Status(s)]}"]) for s in known]
    return joined([*meant, *told], "<br>")
