"""Run ``live-lce models``: list and show the classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from live_lce.cli import _output
from live_lce.cli._options import ConfigOption, JsonOption
from live_lce.cli._output import UsageError

if TYPE_CHECKING:
    from live_lce.classifiers import ModelCard, Registry

app = typer.Typer(help="List the models, and show their cards.", no_args_is_help=True)


def _registry(config: Path | None) -> Registry:
    from live_lce.classifiers import Registry
    from live_lce.config import load_config

    return Registry.beside_shipped(load_config(config).models)


@app.command("list")
def list_models(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the models; each file is checked against its card.

    Examples
    --------
        live-lce models list

        live-lce models list --json
    """
    registry = _registry(config)
    rows = [_row(registry, card) for card in registry.cards()]
    damaged = [{"name": e.path.stem, "problem": str(e)} for e in registry.damaged()]
    if json:
        _output.print_json([*rows, *damaged])
    else:
        names = ("model", "family", "absorber", "edge", "version", "classes", "state")
        fields = ("name", "family", "absorber", "edge", "version")
        cells = [
            (*(r[f] for f in fields), ", ".join(r["classes"]), r["problem"] or "good") for r in rows
        ]
        cells += [(d["name"], *"-----", f"[red]{d['problem']}[/red]") for d in damaged]
        _output.console().print(_output.table(f"Models in {_folders(registry)}", names, cells))
    if damaged or any(r["problem"] for r in rows):
        raise typer.Exit(_output.FAILED)
    if not rows:
        raise UsageError(
            f"no models in {_folders(registry)}: set `models`, or install live_lce again"
        )


@app.command("show")
def show_models(
    absorber: Annotated[str, typer.Argument(help="Element symbol, or a model's name.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the card of an absorber's models: training data, metrics, identity.

    Examples
    --------
        live-lce models show Fe

        live-lce models show Fe --json
    """
    registry = _registry(config)
    cards = [
        c for c in registry.cards() if absorber.lower() in (c.absorber.lower(), c.name.lower())
    ]
    if not cards:
        there = ", ".join(dict.fromkeys(c.absorber for c in registry.cards())) or "none"
        raise UsageError(f"no model for {absorber} in {_folders(registry)} (there are: {there})")
    if json:
        _output.print_json([card.model_dump(mode="json") for card in cards])
        return
    for card in cards:
        rows = _flat(_for_people(card))
        _output.console().print(_output.table(card.name, ("field", "value"), rows))


def _folders(registry: Registry) -> str:
    return " and ".join(str(folder) for folder in registry.folders if folder.is_dir())


def _row(registry: Registry, card: ModelCard) -> dict[str, Any]:
    from live_lce.classifiers import ModelDamagedError

    problem = provider = ""
    try:
        provider = registry.session(card).provider
    except ModelDamagedError as error:
        problem = str(error)
    return {
        "name": card.name,
        "family": card.family,
        "absorber": card.absorber,
        "edge": card.edge,
        "classes": list(card.classes),
        "version": card.version,
        "sha256": card.sha256,
        "provider": provider,
        "metrics": card.metrics,
        "problem": problem,
    }


def _for_people(card: ModelCard) -> dict[str, Any]:
    """Return the card's fields; thousands of fingerprints become their number."""
    fields = card.model_dump(mode="json")
    if card.training.spectra:
        n = len(card.training.fold_of())
        fields["training"]["spectra"] = f"{n} fingerprints (--json prints them)"
    fields["training"]["files"] = {file.pop("name"): file for file in fields["training"]["files"]}
    return fields


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{key}.")
        else:
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            found.append((f"{prefix}{key}", text.replace("[", "\\[")))
    return found
