"""Find models in a folder, and open sessions that were checked against their cards."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import live_lce
from live_lce.classifiers._card import (
    INPUT,
    MEMBERS,
    METADATA_KEY,
    OOD_SCORE,
    PROBABILITIES,
    RANKED,
    ModelCard,
)
from live_lce.classifiers._external_data import external_data
from live_lce.classifiers._session import Session, open_session
from live_lce.classifiers._types import ModelIdentity

AGAIN = 5.0
"""So long (s) the folders are not read again for a model that is not there."""
INTERFACE = ("absorber", "edge", "family", "classes", "grid", "needs", "members", "ranked")
"""What two models have in common that can take each other's place."""


class ModelDamagedError(ValueError):
    """A model's file, card or both cannot be believed."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path.name} {what}: install it again, or train it anew")
        self.path = path


def default_folder() -> Path:
    """Return the folder of the shipped models: in the wheel, or at the root of the repository."""
    package = Path(live_lce.__file__).parent
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


class Registry:
    """The models of some folders: pairs ``<name>.onnx`` and ``<name>.json``.

    Cards are read once, without onnxruntime; a model is checked and loaded when it is
    first needed, and then stays.  A damaged one keeps no other from working.  What is missing,
    damaged or another one than before is read again when it is asked for: a disk may have been away
    for a moment, or a model been replaced before it was used.

    Parameters
    ----------
    *folders : Path
        Where the models are; by default those that came with live_lce.  Of two models of
        one name, that of the earlier folder counts.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = tuple(Path(folder) for folder in folders) or (default_folder(),)
        self._lock = threading.Lock()
        self._sessions: dict[str, tuple[ModelCard, Session]] = {}
        self._looked = -math.inf  # when the folders were last read again

    @classmethod
    def beside_shipped(cls, folder: Path | None) -> Registry:
        """Return the models of a folder of one's own, and those that came with live_lce."""
        return cls() if folder is None else cls(folder, default_folder())

    @cached_property
    def _read(self) -> tuple[tuple[ModelCard, ...], tuple[ModelDamagedError, ...]]:
        cards, damaged = [], []
        for name, folder in sorted(self._folder_of.items()):
            try:
                cards.append(read_card(folder / f"{name}.json"))
            except ModelDamagedError as error:
                damaged.append(error)
        return tuple(cards), tuple(damaged)

    @cached_property
    def _folder_of(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in reversed(self.folders):
            for suffix in ("onnx", "json"):
                found |= {path.stem: folder for path in folder.glob(f"*.{suffix}")}
        return found

    def path(self, name: str) -> Path:
        """Return where a model's ONNX file is; its card lies beside it."""
        return self._folder_of.get(name, self.folders[0]) / f"{name}.onnx"

    def cards(self) -> tuple[ModelCard, ...]:
        """Return the readable cards, by name."""
        return self._read[0]

    def damaged(self) -> tuple[ModelDamagedError, ...]:
        """Return what is wrong with the unreadable cards; models are checked by `session`."""
        return self._read[1]

    def find(self, absorber: str, edge: str, family: str) -> ModelCard | None:
        """Return the card for an absorber's edge, the newest version if there are several.

        Raises
        ------
        ModelDamagedError
            If there is only one that cannot be read.
        """
        found = self._newest(absorber, edge, family)
        if found is None and time.monotonic() > self._looked + AGAIN:
            self._read_again()
            found = self._newest(absorber, edge, family)
        if found is not None:
            return found
        for error in self.damaged():
            if error.path.stem == model_name(absorber, edge, family):
                raise error
        return None

    def _newest(self, absorber: str, edge: str, family: str) -> ModelCard | None:
        wanted = (absorber, edge, family)
        found = [c for c in self.cards() if (c.absorber, c.edge, c.family) == wanted]
        if not found:
            return None
        return max(found, key=lambda card: (_as_numbers(card.version), self._rank(card)))

    def _read_again(self) -> None:
        self._looked = time.monotonic()
        for cached in ("_read", "_folder_of"):
            self.__dict__.pop(cached, None)

    def _rank(self, card: ModelCard) -> int:
        """Return a number that is higher the earlier the card's folder comes."""
        return -self.folders.index(self.path(card.name).parent)

    def identity(self, card: ModelCard) -> ModelIdentity:
        """Return which model it is; `provider` is empty until the session was opened."""
        known, session = self._sessions.get(card.name, (card, None))
        provider = session.provider if session is not None else ""
        return ModelIdentity(known.name, known.version, known.sha256, provider)

    def loaded(self, absorber: str, edge: str, family: str) -> tuple[ModelCard, Session] | None:
        """Return the loaded model for an absorber's edge with its card; None if there is none.

        Raises
        ------
        ModelDamagedError
            If it cannot be used.
        """
        card = self.find(absorber, edge, family)
        if card is None:
            return None
        try:
            self.session(card)
        except ModelDamagedError:
            now = self.find(absorber, edge, family)  # read again meanwhile
            if now is None or now == card:
                raise
            card = now
            self.session(card)
        return self._sessions[card.name]

    def session(self, card: ModelCard) -> Session:
        """Return the loaded model, checked against its card; loaded once.

        Where the files are those of another card by now, which takes and gives the same, it is
        that model; `identity` and `cards` tell so.

        Raises
        ------
        ModelDamagedError
            If the file is missing, is not the one of the card, or does not fit it.
        """
        with self._lock:
            known = self._sessions.get(card.name)
            if known is None or (known[0] != card and not _alike(known[0], card)):
                known = self._sessions[card.name] = self._load(card)
        return known[1]

    def _load(self, card: ModelCard) -> tuple[ModelCard, Session]:
        path = self.path(card.name)
        try:
            return card, load_checked(card, path)
        except ModelDamagedError:
            self._read_again()
            for now in self.cards():
                if now.name == card.name and now != card and _alike(now, card):
                    return now, load_checked(now, self.path(now.name))
            raise


def _alike(one: ModelCard, other: ModelCard) -> bool:
    """Whether two models are of one kind: what the one is asked, the other can answer."""
    return all(getattr(one, name) == getattr(other, name) for name in INTERFACE)


def model_name(absorber: str, edge: str, family: str) -> str:
    """Return the name of a model and, with a suffix, of its files."""
    return f"{family}_{absorber}_{edge}"


def read_card(path: Path) -> ModelCard:
    """Read a JSON card.

    Raises
    ------
    ModelDamagedError
        If it is missing or is no card.
    """
    try:
        card = ModelCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelDamagedError(path, "is missing beside its ONNX file") from None
    except (ValidationError, OSError) as error:
        first = str(error).splitlines()[0]
        raise ModelDamagedError(path, f"is no model card ({first})") from None
    if card.name != path.stem:
        raise ModelDamagedError(path, f"is the card of another model ({card.name})")
    return card


def load_checked(card: ModelCard, path: Path) -> Session:
    """Open a model and check that it is the one of the card.

    Parameters
    ----------
    card : ModelCard
        What the model should be.
    path : Path
        The ONNX file.

    Raises
    ------
    ModelDamagedError
        If the file is missing, is not the one of the card, or does not fit it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelDamagedError(path, f"cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelDamagedError(path, "has not the sha256 of its card")
    try:
        outside = external_data(content)
    except ValueError as error:
        raise ModelDamagedError(path, f"is no model that onnxruntime can load ({error})") from None
    if outside:  # onnxruntime would take them from the current folder, whatever that is
        raise ModelDamagedError(path, "keeps weights in other files, which no sha256 covers")
    try:
        session = open_session(content)
    except Exception as error:  # onnxruntime raises many kinds of its own
        first = str(error).splitlines()[0]
        raise ModelDamagedError(path, f"is no model that onnxruntime can load ({first})") from None
    _check_metadata(card, path, session.runtime.get_modelmeta().custom_metadata_map)
    _check_shapes(card, path, session.runtime)
    return session


def _check_metadata(card: ModelCard, path: Path, metadata: dict[str, str]) -> None:
    try:
        embedded = ModelCard.model_validate_json(metadata[METADATA_KEY])
    except (KeyError, ValueError):
        raise ModelDamagedError(path, "carries no card in its metadata") from None
    if embedded != card.model_copy(update={"sha256": ""}):
        raise ModelDamagedError(path, "carries another card than the JSON file beside it")


def _check_shapes(card: ModelCard, path: Path, runtime: Any) -> None:
    inputs = {i.name: (i.type, i.shape[1:]) for i in runtime.get_inputs()}
    if inputs != {INPUT: ("tensor(float)", [card.grid.n_points])}:
        expected = f"{INPUT} float32 (batch, {card.grid.n_points})"
        raise ModelDamagedError(path, f"takes {inputs}, but its card says {expected}")
    outputs = {o.name: o.shape[1:] for o in runtime.get_outputs()}
    wanted: dict[str, list[int]] = {PROBABILITIES: [len(card.classes)], OOD_SCORE: []}
    if card.members:
        wanted[MEMBERS] = [card.members, len(card.classes)]
    if card.ranked:
        wanted[RANKED] = [len(card.ranked)]
    if outputs != wanted:
        raise ModelDamagedError(path, f"gives {outputs}, but by its card {wanted}")


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
