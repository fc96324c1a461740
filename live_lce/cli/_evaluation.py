"""Print an evaluation as tables, and read the labelled files for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column

from live_lce.cli import _output
from live_lce.cli._output import number

if TYPE_CHECKING:
    from live_lce.datasets._standards import ReadFile
    from live_lce.settings import Signals
    from live_lce.spectra import Spectrum


Values = dict[str, Any]


def print_evaluation(values: Values) -> None:
    """Print what ``--json`` would, as tables."""
    console = _output.console()
    data = values["data"]
    console.print(f"{data['path']}: {data['n_rows']} rows, model family {data['family']}")
    for why, n in data["not_scored"].items():
        console.print(f"  not scored: {n} ({why})", markup=False)
    console.print(_accuracy(values))
    console.print(_f1(values))
    console.print(
        "\\[ ]: 95 % by bootstrap over groups.  Accuracy and F1: an abstention is wrong;"
        " `forced` takes the most probable class.  majority: always the commonest"
        f" class.  kNN: on {values['baselines']['knn']['fitted_on']}."
    )
    console.print(_reliability(values))
    console.print(_label_sets(values))
    for title, axis in (("last_energy", "last energy / eV"), ("noise", "noise / edge steps")):
        if values["curves"][title]:
            console.print(_curve(values["curves"][title], title, axis))
            console.print(_calibration(values["curves"][title], title, axis))
    console.print(_published(values["published"]))
    for source, on in dict.fromkeys((o["source"], o["data"]) for o in values["published"]):
        console.print(f"  {source}: {on}", markup=False)
    for text in values["notes"]:
        console.print(f"NOTE: {text}", style="bold yellow", markup=False)


def scopes(values: Values) -> Iterator[tuple[str, Values, Values, Values]]:
    """Yield name, numbers, and those of the two baselines: absorbers first, then all."""
    baselines = [values["baselines"][name] for name in ("majority", "knn")]
    for name, found in values["absorbers"].items():
        yield (name, found, *(one["absorbers"][name] for one in baselines))
    names = ["overall"]
    if values["with_model"]["n"] != values["overall"]["n"]:
        names.insert(0, "with_model")
    for name in names:
        yield (name.replace("_", " "), values[name], *(one[name] for one in baselines))


def _accuracy(values: Values) -> Any:
    names = ("", "n", "groups", "answered", "accuracy", "majority", "kNN", "of answered")
    by_group = ("by group", "majority", "kNN")
    rows = [
        (
            name,
            str(found["n"]),
            str(found["n_groups"]),
            str(found["n_answered"]),
            _with_interval(found, "accuracy"),
            number(majority["accuracy"]),
            number(knn["accuracy"]),
            number(found["accuracy_answered"]),
            _with_interval(found, "accuracy_by_group"),
            number(majority["accuracy_by_group"]),
            number(knn["accuracy_by_group"]),
        )
        for name, found, majority, knn in scopes(values)
    ]
    return _output.table("Accuracy", _columns(*names, *by_group), rows)


def _f1(values: Values) -> Any:
    labels = ("T4", "S5", "O6")
    names = ("", "macro F1", "majority", "kNN", *(f"F1 {label}" for label in labels))
    rows = [
        (
            name,
            _with_interval(found, "macro_f1"),
            number(majority["macro_f1"]),
            number(knn["macro_f1"]),
            *(number(found["f1"][label]) for label in labels),
            *(number(found["recall"][label]) for label in labels),
            number(found["forced"]["accuracy"]),
            number(found["forced"]["macro_f1"]),
        )
        for name, found, majority, knn in scopes(values)
    ]
    more = (*(f"recall {label}" for label in labels), "forced accuracy", "forced F1")
    return _output.table("F1", _columns(*names, *more), rows)


def _columns(*names: str) -> list[Column]:
    return [Column(name, justify="right" if name else "left", no_wrap=True) for name in names]


def _reliability(values: Values) -> Any:
    names = ("", "ECE", "OOD AUROC", "other / scored", "other answered")
    rows = [
        (
            name,
            _with_interval(found, "ece"),
            _with_interval(found, "ood_auroc"),
            f"{found['ood_n_other']} / {found['ood_n_scored']}",
            f"{found['other_answered']} of {found['n_other']}",
            _with_interval(found, "fraction_mae"),
            str(found["n_mixed"]),
            ", ".join(f"{why} {n}" for why, n in found["abstained_by_reason"].items()),
        )
        for name, found, _, _ in scopes(values)
    ]
    columns = [*_columns(*names, "fraction MAE", "mixed"), Column("not answered")]
    return _output.table("Reliability", columns, rows)


def _label_sets(values: Values) -> Any:
    names = ("", "sets", "hold truth", "by group", "labels", "one label", "mean top", "right")
    rows = [
        (
            name,
            str(found["n_with_probabilities"]),
            _of_sets(found, "coverage"),
            _of_sets(found, "coverage_by_group"),
            _of_sets(found, "size"),
            number(found["label_set"]["single"]),
            number(found["top"]),
            number(found["top_right"]),
        )
        for name, found, _, _ in scopes(values)
    ]
    return _output.table("Label sets, and the top probability", _columns(*names), rows)


def _calibration(points: list[Values], title: str, axis: str) -> Any:
    names = (axis, "sets", "mean top", "right", "ECE", "not answered", "hold truth", "by group")
    rows = [
        (
            f"{point[title]:g}",
            str(point["n_with_probabilities"]),
            *(number(point[name]) for name in ("top", "top_right", "ece", "abstained_share")),
            *(number(point["label_set"][n]) for n in ("coverage", "coverage_by_group", "size")),
        )
        for point in points
    ]
    return _output.table(f"Calibration against {axis}", (*names, "labels"), rows)


def _curve(points: list[Values], title: str, axis: str) -> Any:
    absorbers = list(points[0]["absorbers"])
    shown = ("accuracy", "accuracy_answered", "macro_f1", "forced_macro_f1", "same_as_full")
    names = (axis, "touched", "answered", "accuracy", "of answered", "macro F1", "forced F1")
    names = (*names, "as uncut" if title == "last_energy" else "as without", *absorbers)
    rows = [
        (
            f"{point[title]:g}",
            f"{point['n_changed']} of {point['n']}",
            str(point["n_answered"]),
            *(number(point[name]) for name in shown),
            *(number(point["absorbers"][name]) for name in absorbers),
        )
        for point in points
    ]
    return _output.table(f"Accuracy against {axis}", names, rows)


def _published(published: list[Values]) -> Any:
    """Return the papers' numbers, one line per model and kind of data."""
    lines: dict[str, dict[str, str]] = {}
    for one in published:
        source = one["source"].partition(" et al.")[0]
        key = f"{source}, {one['model']}: {one['metric']}"
        key += " on measured spectra" if "measured" in one["data"] else " on computed spectra"
        deviation = f" ± {one['deviation']:g}" if one["deviation"] is not None else ""
        lines.setdefault(key, {})[one["absorber"] or "all"] = f"{one['value']:g}{deviation}"
    absorbers = list(dict.fromkeys(name for line in lines.values() for name in line))
    rows = [(key, *(line.get(name, "-") for name in absorbers)) for key, line in lines.items()]
    return _output.table("PUBLISHED: other data, other labels", ("", *absorbers), rows)


def _with_interval(found: Values, name: str) -> str:
    """Return a number with its interval; where all draws agree there is none to speak of."""
    return _interval(found[name], found["intervals"].get(name))


def _of_sets(found: Values, name: str) -> str:
    return _interval(found["label_set"][name], found["intervals"].get(f"label_set.{name}"))


def _interval(value: float | None, pair: list[float] | None) -> str:
    if pair is None or pair[1] - pair[0] < 0.005:
        return number(value)
    return f"{number(value)} \\[{pair[0]:.2f} {pair[1]:.2f}]"


def file_reader(signals: Signals, absorber: str = "") -> ReadFile:
    """Return a reader of files that hold one spectrum: XDI, columns, Athena projects.

    Parameters
    ----------
    signals : Signals
        Which column is what, where the files do not say.
    absorber : str
        Of files that name none.
    """
    from live_lce.datafiles import FileError, read_spectra
    from live_lce.datasets import DataError

    def read(path: Path) -> Spectrum:
        if not path.exists():
            raise DataError(f"no file {path}")
        try:
            found = read_spectra(path, signals=signals)
        except FileError as error:
            raise DataError(str(error)) from None
        if len(found) != 1:
            raise DataError(f"{path}: {len(found)} spectra: a label needs a file with one")
        spectrum = found[0].spectrum
        return spectrum if spectrum.absorber else replace(spectrum, absorber=absorber)

    return read
