"""Run ``live-lce classify``: predict from data files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption
from live_lce.cli._output import UsageError, number, styled

if TYPE_CHECKING:
    from live_lce.archives._data_files import DataRun
    from live_lce.config import Config
    from live_lce.contract import Finding, Status

_WIDE = 120
"""Columns of a terminal on which the table of numbers has room."""


def classify(
    files: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list for programs.")] = False,
    absorber: Annotated[str, typer.Option(help="Element symbol; overrides the files.")] = "",
    edge: Annotated[str, typer.Option(help="Edge, e.g. K.")] = "",
    normalized: Annotated[
        bool | None,
        typer.Option(
            "--normalized/--raw",
            help="Whether the data are normalized; by default live_lce finds out.",
        ),
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
    from live_lce.cli._publishing import report, server_address
    from live_lce.config import load_config

    loaded = _with_options(load_config(config), absorber, edge, normalized, family)
    _check_names(loaded)
    chosen = _columns(columns)
    paths = expand(files)
    classifier = _Classifier(loaded, server_address(loaded, uri) if tiled or uri else "", chosen)
    try:
        rows = [row for path in paths for row in classifier(path)]
    finally:
        counters = classifier.close()
    published = report(counters) if classifier.publishes else True
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
    from live_lce.datafiles._kinds import DATA_SUFFIXES, may_be_data

    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and may_be_data(p))
        elif path.exists() or not set(pattern) & set("*?["):
            inside = [path]
        else:
            anchor = Path(path.anchor) if path.is_absolute() else Path()
            relative = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
            inside = sorted(p for p in anchor.glob(relative) if p.is_file())
        if not inside:
            ends = ", ".join(sorted(DATA_SUFFIXES))
            looked = f" (of a folder, files are taken that end in {ends} or a number)"
            raise UsageError(
                f"{pattern}: no data files there: check the path{looked if path.is_dir() else ''}"
            )
        found += inside
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


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

    from live_lce.classifiers import Registry

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
    from live_lce.datafiles._columns import parse_columns

    if not text:
        return None
    try:
        chosen = parse_columns(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if problem := _wrong_columns(text, chosen):
        raise UsageError(f"--columns {text}: {problem}")
    return chosen


def _wrong_columns(text: str, chosen: dict[str, str]) -> str:
    """Return what is wrong with columns whatever the file holds, and what to do; else nothing."""
    roles = Counter(part.partition("=")[0].strip().lower() for part in text.split(","))
    roles.pop("", None)
    if twice := [role for role, n in roles.items() if n > 1]:
        joined = " (several channels are joined: if=5+6)" if twice == ["if"] else ""
        return f"{twice[0]} is given twice: give it once{joined}"
    if len({"energy", "angle"} & chosen.keys()) != 1:
        return "say where the energy is, by energy=1 or angle=1"
    ways = ({"mu"}, {"norm"}, {"i0", "it"}, {"i0", "if"}, {"it", "ir"})
    if not any(way <= chosen.keys() for way in ways):
        return "say what was measured, by mu=2, norm=2, i0=2,it=3, i0=2,if=4+5 or it=3,ir=4"
    columns = Counter(
        column.strip().lower() for value in chosen.values() for column in value.split("+")
    )
    if again := [column for column, n in columns.items() if n > 1]:
        return f"column {again[0]} is named for two things: each column is one thing"
    return ""


class _Classifier:
    """Classifies the spectra of files, each as a run that is replayed.

    Parameters
    ----------
    config : Config
        The configuration.
    address : str
        Of the Tiled server that gets the predictions; empty publishes none.
    columns : dict, optional
        Which column is what.
    """

    def __init__(self, config: Config, address: str, columns: dict[str, str] | None) -> None:
        from live_lce.engine import Result
        from live_lce.replaying import Setup
        from live_lce.replaying._work import Worker

        self.publishes = bool(address)
        self._signals, self._columns = config.analysis.signals, columns
        self._results: list[Result] = []
        if not address:  # else all is published that a replay of the file publishes
            config = _whole_spectra_only(config)
        setup = Setup(config, address, source="file")
        self._worker = Worker(setup, on_result=self._results.append)

    def __call__(self, path: Path) -> Iterator[dict[str, Any]]:
        """Yield a row for each spectrum of a file."""
        from live_lce.archives._data_files import read_data_runs
        from live_lce.contract import Finding, Reason, Status
        from live_lce.datafiles import FileError

        try:
            runs = read_data_runs(path, signals=self._signals, columns=self._columns)
        except FileError as error:
            unreadable = error.finding.reason is Reason.UNREADABLE_FILE
            yield _refused(path, Status.FAILED if unreadable else Status.REJECTED, error.finding)
        except OSError as error:
            yield _refused(path, Status.FAILED, Finding(Reason.UNREADABLE_FILE, str(error)))
        else:
            for run in runs:
                yield from self._run(path, run)

    def close(self) -> dict[str, int]:
        """Close the publisher, and return its counters."""
        return self._worker.close()

    def _run(self, path: Path, run: DataRun) -> Iterator[dict[str, Any]]:
        from live_lce.contract import Finding, Reason, Status
        from live_lce.records import file_row

        self._results.clear()
        outcome = self._worker(run)
        if outcome.problem:
            _output.note(f"live-lce: {outcome.problem}")
        finals = [result for result in self._results if result.final]
        for result in finals:
            yield file_row(
                str(path),
                result.prediction,
                result.normalized,
                result.used,
                name=run.spectrum.name,
                columns=run.spectrum.columns,
            )
        if not finals:
            finding = Finding(Reason.INTERNAL_ERROR, outcome.problem or "no result")
            yield _refused(path, Status.FAILED, finding)


def _whole_spectra_only(config: Config) -> Config:
    analysis = config.analysis
    pacing = analysis.pacing.model_copy(update={"partial": False})
    return config.model_copy(update={"analysis": analysis.model_copy(update={"pacing": pacing})})


def _refused(path: Path, status: Status, finding: Finding) -> dict[str, Any]:
    from live_lce.classifiers import Prediction
    from live_lce.records import file_row

    return file_row(str(path), Prediction(status, (finding,)))


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Column

    from live_lce.replaying._rows import Reasons

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
            *((row["used"].replace("[", "\\[") or "-",) if wide else ()),
            row["reason"].replace(";", " " if wide else "\n"),
        )
        for row in rows
    ]
    numbers = ("e0 / eV", "step", "coverage") if wide else ()
    names = ("edge", "status", "label", "conf.", *numbers, *(["used"] if wide else []), "reason")
    columns = [Column(name, no_wrap=name != "used", overflow="fold") for name in names]
    file = Column("file", overflow="fold")
    console.print(_output.table("", (file, *columns), cells))
    counts = Counter(styled(row["status"]) for row in rows)
    console.print(
        f"{len(rows)} {'spectrum' if len(rows) == 1 else 'spectra'}: "
        + ", ".join(f"{n} {s}" for s, n in counts.most_common())
    )
    reasons = Reasons()
    for row in rows:
        reasons.add(row)
    for line in reasons.lines():
        console.print(line, markup=False)
    for row in rows:
        if row["status"] == "failed":
            console.print(f"{row['file']}: {row['message']}", markup=False)
