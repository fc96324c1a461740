"""Run ``live-lce presets``: list the beamlines whose names are known."""

from __future__ import annotations

from live_lce.cli import _output
from live_lce.cli._options import JsonOption

_FIELDS = ("energy", "i0", "it", "ir", "fluorescence", "mu", "absorber", "edge")


def presets(
    json: JsonOption = False,
) -> None:
    """List the beamline presets: the data keys that live_lce looks for.

    A preset is recognized from the start document, or set with `analysis.signals.preset`;
    single names in `analysis.signals` override it.

    Examples
    --------
        live-lce presets

        live-lce presets --json
    """
    from live_lce.engine import PRESETS

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
