"""``live-lce classify``: data files to predictions."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption
from live_lce.cli._output import UsageError, number, styled

if TYPE_CHECKING:
    from live_lce.analysis import Analysis
    from live_lce.classifiers.witness import Witness
    from live_lce.config import Config
    from live_lce.publish.publisher import Publisher
    from live_lce.sources.files import FileSpectrum

SUFFIXES = frozenset(
    [".xdi", ".xd", ".dat", ".txt", ".csv", ".nor", ".e", ".xmu", ".prj", ".gz", ".asc"]
)
"""Files with these suffixes (or a number) are taken from a folder."""
_ENDINGS = ", ".join(sorted(SUFFIXES)) + " or a number"

_WIDE = 120
"""Columns of a terminal on which the table of numbers has room."""

_FILES = uuid.UUID("0d2bf0e4-3c0c-5d0a-8a57-3b1f7e1c5a11")
"""Namespace of the raw uids given to files."""


def classify(
    files: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list for programs.")] = False,
    absorber: Annotated[str, typer.Option(help="Element symbol, whatever the files say.")] = "",
    edge: Annotated[str, typer.Option(help="Edge, e.g. K.")] = "",
    normalized: Annotated[
        bool | None,
        typer.Option("--normalized/--raw", help="Declare the data; by default it is found out."),
    ] = None,
    columns: Annotated[
        str, typer.Option(help="Which column is what, e.g. energy=1,mu=4 or energy=1,i0=2,if=5+6.")
    ] = "",
    family: Annotated[str, typer.Option(help="Model family, see `live-lce models list`.")] = "",
    tiled: Annotated[
        bool, typer.Option("--tiled", help="Publish to the configured Tiled.")
    ] = False,
    uri: Annotated[str, typer.Option(help="Publish to the Tiled server at this address.")] = "",
    config: ConfigOption = None,
) -> None:
    """Classify the spectra in data files: XDI, columns of numbers, Athena projects.

    Examples
    --------
        live-lce classify scan.xdi

        live-lce classify --absorber Fe --columns energy=1,i0=2,it=3 data/*.dat

        live-lce classify --json --normalized references/ > predictions.json

        live-lce classify --tiled project.prj
    """
    from live_lce.cli._publishing import report, tiled_publisher
    from live_lce.config import load_config

    loaded = _with_options(load_config(config), absorber, edge, normalized, family)
    _check_names(loaded)
    chosen = _columns(columns)
    paths = expand(files)
    publisher = tiled_publisher(loaded, uri, "file") if tiled or uri else None
    published = True
    try:
        rows = list(_rows(paths, loaded, chosen, publisher))
    finally:
        if publisher is not None:
            publisher.close()
            published = report(publisher.counters)
    if json:
        _output.print_json(rows)
    else:
        _print_table(rows)
    if not published or any(row["status"] == "failed" for row in rows):
        raise typer.Exit(_output.FAILED)


def expand(patterns: list[str]) -> list[Path]:
    """Return the files that are meant; those that do not exist are kept, to be reported.

    Raises
    ------
    UsageError
        If a pattern or folder holds no file.
    """
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and _is_data(p))
        elif path.exists() or not set(pattern) & set("*?["):
            inside = [path]
        else:
            anchor = Path(path.anchor) if path.is_absolute() else Path()
            relative = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
            inside = sorted(p for p in anchor.glob(relative) if p.is_file())
        if not inside:
            looked = f" (of a folder, files are taken that end in {_ENDINGS})"
            raise UsageError(
                f"{pattern}: no data files there: check the path{looked if path.is_dir() else ''}"
            )
        found += inside
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


def _is_data(path: Path) -> bool:
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or suffix[1:].isdigit()


def _with_options(
    config: Config, absorber: str, edge: str, normalized: bool | None, family: str
) -> Config:
    analysis = config.analysis
    options: dict[str, Any] = {"absorber": absorber.capitalize(), "edge": edge.capitalize()}
    changes: dict[str, Any] = {name: value for name, value in options.items() if value}
    if normalized is not None:
        changes["normalized"] = normalized
    normalization = analysis.normalization.model_copy(update=changes)
    classification = analysis.classification
    if family:
        classification = classification.model_copy(update={"family": family})
    changed = analysis.model_copy(
        update={"normalization": normalization, "classification": classification}
    )
    return config.model_copy(update={"analysis": changed})


def _check_names(config: Config) -> None:
    """Refuse what no file can be; a rejected spectrum would hide a typing error."""
    from xraydb import xray_edges

    from live_lce.classifiers.registry import Registry

    wanted = config.analysis.normalization
    if wanted.absorber:
        try:
            edges = xray_edges(wanted.absorber)
        except ValueError:
            edges = {}
        if not edges:
            raise UsageError(f"{wanted.absorber} is no element: give a symbol, e.g. --absorber Fe")
        if wanted.edge and wanted.edge not in edges:
            raise UsageError(f"{wanted.absorber} has no edge {wanted.edge}: give e.g. --edge K")
    family = config.analysis.classification.family
    families = sorted({card.family for card in Registry.beside_shipped(config.models).cards()})
    if families and family and family not in families:
        raise UsageError(f"no model family {family}: there are {', '.join(families)}")


def _columns(text: str) -> dict[str, str] | None:
    from live_lce.sources.files_roles import parse_columns

    if not text:
        return None
    try:
        return parse_columns(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _rows(
    paths: list[Path],
    config: Config,
    columns: dict[str, str] | None,
    publisher: Publisher | None,
) -> Iterator[dict[str, Any]]:
    from live_lce.analysis import Analysis, analyse
    from live_lce.classifiers.registry import Registry
    from live_lce.classifiers.types import Prediction
    from live_lce.contract import Reason, Status
    from live_lce.sources.files import FileError, read_spectra

    registry = Registry.beside_shipped(config.models)
    wanted = config.analysis.normalization.absorber
    for path in paths:
        try:
            spectra = read_spectra(path, signals=config.analysis.signals, columns=columns)
        except FileError as error:
            unreadable = error.finding.reason is Reason.UNREADABLE_FILE
            status = Status.FAILED if unreadable else Status.REJECTED
            yield row(path, "", Analysis(Prediction(status, (error.finding,))), "")
            continue
        for index, found in enumerate(spectra):
            if wanted and found.spectrum.absorber != wanted:
                # The file's edge belongs to the element that it states.
                found = replace(found, spectrum=replace(found.spectrum, edge=""))  # noqa: PLW2901
            analysis = analyse(found.spectrum, registry, config.analysis)
            if publisher is not None:
                _publish(publisher, found, index, analysis)
            yield row(path, found.name, analysis, found.columns)


def row(path: Path, name: str, analysis: Analysis, columns: str) -> dict[str, Any]:
    """Return one prediction as plain values; what is unknown is NaN or None."""
    prediction, normalized = analysis.prediction, analysis.normalized
    model = prediction.model
    probabilities = prediction.probabilities
    return {
        "file": str(path),
        "name": name,
        "absorber": prediction.absorber,
        "edge": prediction.edge,
        "status": prediction.status.value,
        "reason": prediction.reason,
        "message": prediction.findings[0].sentence if prediction.findings else "",
        "label": prediction.label,
        "probabilities": None
        if probabilities is None
        else dict(zip(prediction.classes, map(float, probabilities), strict=True)),
        "confidence": float(prediction.confidence),
        "label_set": list(prediction.label_set),
        "ood_score": float(prediction.ood_score),
        "ranked": dict(prediction.ranked),
        "witness": _witness(prediction.witness),
        "e0": normalized.e0 if normalized else None,
        "edge_step": normalized.edge_step if normalized else None,
        "norm_method": normalized.norm_method if normalized else "none",
        "n_points": normalized.n_points if normalized else None,
        "coverage": float(prediction.coverage),
        "columns": columns,
        "model": {
            "name": model.name,
            "version": model.version,
            "sha256": model.sha256,
            "provider": model.provider,
        }
        if model.name
        else None,
    }


def _witness(said: Witness | None) -> dict[str, Any] | None:
    if said is None:
        return None
    return {
        "pre_edge_centroid": said.centroid,
        "pre_edge_area": said.area,
        "pre_edge_height": said.height,
        "says": list(said.says),
    }


def _publish(publisher: Publisher, found: FileSpectrum, index: int, analysis: Analysis) -> None:
    from live_lce.engine.types import Result, RunClosed, RunInfo

    digest = hashlib.sha256(found.file.read_bytes()).hexdigest()
    uid = str(uuid.uuid5(_FILES, f"{digest}\n{index}" if found.name else digest))
    time = found.file.stat().st_mtime
    start: dict[str, Any] = {"uid": uid, "time": time}
    if sample := found.name or found.sample:
        start["sample"] = {"name": sample}
    n_points = len(found.spectrum.energy)
    normalized = analysis.normalized
    result = Result(
        run=RunInfo(uid, "file", start),
        spectrum_index=0,
        final=True,
        prediction=analysis.prediction,
        normalized=normalized,
        n_points=normalized.n_points if normalized else n_points,
        n_dropped=normalized.n_dropped if normalized else 0,
        raw_seq_num_first=1 if n_points else 0,
        raw_seq_num_last=n_points,
        raw_time=time,
        spectrum=found.spectrum,
    )
    publisher.result(result, 0.0)
    publisher.closed(RunClosed(uid, "success"))


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Column

    from live_lce.contract import REASON_WORDS, Reason

    console = _output.console()
    wide = console.width >= _WIDE
    cells = [
        (
            f"{row['file']}{':' + row['name'] if row['name'] else ''}".replace("[", "\\["),
            f"{row['absorber']} {row['edge']}".strip() or "-",
            styled(row["status"]),
            _output.label_cell(row["label"], row["label_set"], row["reason"]),
            number(row["confidence"]) if row["label"] else "-",
            *(
                (number(row["e0"], 1), number(row["edge_step"], 3), number(row["coverage"]))
                if wide
                else ()
            ),
            row["reason"].replace(";", " " if wide else "\n"),
        )
        for row in rows
    ]
    numbers = ("e0 / eV", "step", "coverage") if wide else ()
    names = ("edge", "status", "label", "conf.", *numbers, "reason")
    columns = (Column(name, no_wrap=True) for name in names)
    file = Column("file", overflow="fold")
    console.print(_output.table("", (file, *columns), cells))
    counts = Counter(styled(row["status"]) for row in rows)
    console.print(
        f"{len(rows)} {'spectrum' if len(rows) == 1 else 'spectra'}: "
        + ", ".join(f"{n} {s}" for s, n in counts.most_common())
    )
    for code in dict.fromkeys(code for row in rows for code in row["reason"].split(";") if code):
        console.print(f"  {code}: {REASON_WORDS[Reason(code)]}", markup=False)
    for row in rows:
        if row["status"] == "failed":
            console.print(f"{row['file']}: {row['message']}", markup=False)
