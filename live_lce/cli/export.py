"""Run ``live-lce export``: write published spectra as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption, TiledOption
from live_lce.cli._output import UsageError
from live_lce.cli._results import (
    AbsorberOption,
    AllOption,
    LabelOption,
    SampleOption,
    SinceOption,
    StatusOption,
    UidsArgument,
    UntilOption,
    wanted,
)


def export(
    target: Annotated[
        Path,
        typer.Argument(help="NAME.prj (Athena), NAME.nxs (NeXus), or a folder for XDI files."),
    ],
    uids: UidsArgument = None,
    since: SinceOption = "",
    until: UntilOption = "",
    sample: SampleOption = "",
    absorber: AbsorberOption = "",
    label: LabelOption = "",
    status: StatusOption = "",
    everything: AllOption = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.")
    ] = False,
    json: JsonOption = False,
    tiled: TiledOption = "",
    config: ConfigOption = None,
) -> None:
    """Write published spectra to files, each with its provenance.

    Normalized mu on the grid that was published, with the uids of raw run and analysis,
    label, model, settings hash and versions.  NeXus needs the extra `nexus`.

    Examples
    --------
        live-lce export fe.prj --absorber Fe --since 7d

        live-lce export hematite.nxs --sample hematite

        live-lce export xdi/ 0b1ffa52
    """
    from live_lce.results import ExportError, export as write, spectra
    from live_lce.results._export import check_target

    try:
        kind = check_target(target, overwrite=overwrite)
    except ExportError as error:
        raise UsageError(str(error)) from None
    found = wanted(
        uids=uids or (), since=since, until=until, sample=sample, absorber=absorber, label=label,
        status=status, everything=everything, tiled=tiled, config=config,
    )  # fmt: skip
    try:
        there = spectra(
            found.uri,
            found.query,
            attempts=found.attempts,
            api_key=found.api_key,
            path=found.path,
        )
        if not there:
            _output.note("Nothing was found: no spectrum is exported.")
            raise typer.Exit(_output.FAILED)
        files = write(there, target, overwrite=overwrite)
    except ExportError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    if json:
        rows = [{"name": s.name, **s.provenance()} for s in there]
        _output.print_json({"format": kind, "files": [str(f) for f in files], "spectra": rows})
    else:
        _output.note(f"{len(there)} spectra written to {target} ({kind})")
