"""Run ``live-lce label``: label the sites of a crystal structure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import JsonOption
from live_lce.cli._output import number

if TYPE_CHECKING:
    from live_lce.labels import LabelledSite


def label(
    file: Annotated[Path, typer.Argument(help="CIF or POSCAR.", show_default=False)],
    absorber: Annotated[
        str, typer.Option(help="Only sites of this element, e.g. Fe; by default all cations.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Label the sites of a crystal structure by three definitions.

    Examples
    --------
        live-lce label V2O5.cif

        live-lce label --absorber Fe --json magnetite.cif
    """
    from live_lce.labels import fractions, label_structure, read_structure

    found = read_structure(file)
    sites = label_structure(found.structure, absorber.strip().capitalize())
    shares = fractions(sites)
    if json:
        _output.print_json(
            {
                "file": str(file),
                "formula": found.structure.composition.reduced_formula,
                "notes": found.notes,
                "sites": [_row(one) for one in sites],
                "fractions": shares,
            }
        )
        return
    for text in found.notes:
        _output.note(f"{file}: {text}")
    _print_table(found.structure.composition.reduced_formula, sites)
    for element, labels in shares.items():
        shared = ", ".join(f"{name} {share:.0%}" for name, share in labels.items())
        _output.console().print(f"{element}: {shared}")


def _row(one: LabelledSite) -> dict[str, Any]:
    """Return one site as plain values; what is unknown is NaN."""
    from live_lce.labels._order_parameters import CNS, MOTIFS
    from live_lce.labels._ranked import main_cn, ranked_cn, ranked_motif

    numbers = {str(n): float(v) for n, v in zip(CNS, one.order.cn, strict=True) if v}
    motifs = {n: float(v) for (_, n), v in zip(MOTIFS, one.order.motif, strict=True) if v}
    return {
        "site": one.site,
        "element": one.element,
        "multiplicity": one.multiplicity,
        "crystalnn": {
            "cn": one.crystalnn.cn,
            "label": one.crystalnn.label,
            "motif": one.crystalnn.motif,
            "measure": one.crystalnn.measure,
            "ligands": one.crystalnn.ligands,
        },
        "carbone": {
            "cn": one.carbone.cn,
            "label": one.carbone.label,
            "measure": one.carbone.measure,
        },
        "zheng": {
            "cn_label": ranked_cn(one.order.cn),
            "motif_label": ranked_motif(one.order, main_cn(one.order.cn)),
            "cn": numbers,
            "motif": motifs,
        },
    }


def _print_table(formula: str, sites: tuple[LabelledSite, ...]) -> None:
    from rich.table import Column

    cells = []
    for row in map(_row, sites):
        crystalnn, carbone, zheng = row["crystalnn"], row["carbone"], row["zheng"]
        cells.append(
            (
                f"{row['element']} {row['site']}",
                str(row["multiplicity"]),
                str(crystalnn["cn"]),
                crystalnn["label"],
                _measured(crystalnn["motif"], crystalnn["measure"]),
                _measured(carbone["label"], carbone["measure"]),
                _ranking(zheng["cn_label"], {f"CN_{n}": v for n, v in zheng["cn"].items()}),
                _ranking(zheng["motif_label"], zheng["motif"]),
            )
        )
    names = ("site", "×", "CN", "label", "motif", "Carbone", "Zheng CN")
    columns = (*(Column(name, no_wrap=True) for name in names), Column("Zheng motif"))
    _output.console().print(_output.table(formula, columns, cells))


def _measured(name: str, measure: float) -> str:
    shown = number(measure)
    return name if shown == "-" else f"{name} ({shown})"


def _ranking(text: str, values: dict[str, float]) -> str:
    from live_lce.labels._ranked import members

    return ", ".join(f"{name} {values[name]:.2f}" for name in members(text)) or "-"
