"""``live-lce presets``: beamlines whose names are known."""

from __future__ import annotations

from typing import Annotated

import typer

from live_lce.cli import _output

_FIELDS = ("energy", "i0", "it", "ir", "fluorescence", "mu", "absorber", "edge")


def presets(
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the beamline presets: which data keys are looked for.

    A preset is recognized from the start document, or set with `analysis.signals.preset`;
    single names in `analysis.signals` override it.

    Examples
    --------
        live-lce presets

        live-lce presets --json
    """
    from live_lce.engine.presets import PRESETS

    if json:
        _output.print_json(
            [
                {"name": p.name, "description": p.description}
                | {field: list(getattr(p, field)) for field in _FIELDS}
                for p in PRESETS.values()
            ]
        )
        return
    rows = [
        (
            p.name,
            p.description,
            *("\n".join(getattr(p, f)).replace("[", "\\[") for f in _FIELDS[:5]),
        )
        for p in PRESETS.values()
    ]
    names = ("preset", "beamline", *_FIELDS[:5])
    _output.console().print(_output.table("", names, rows))
