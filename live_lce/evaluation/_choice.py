"""Choose the models to judge, and the members that may judge a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from live_lce.classifiers import ModelCard, ModelDamagedError, Registry
from live_lce.datasets import Labelled
from live_lce.datasets._labelled import Enters

WHOLE = -1
"""No member alone: the model as a user has it."""
SEEN = "seen in training"


class ModelNotFoundError(ValueError):
    """No model or family has that name; one line with those that there are."""


class OnlyOne(Registry):
    """A registry that holds one model, whatever newer ones lie beside it."""

    def __init__(self, registry: Registry, name: str) -> None:
        super().__init__(*registry.folders)
        self._name = name

    def cards(self) -> tuple[ModelCard, ...]:
        """Return its card."""
        return tuple(card for card in super().cards() if card.name == self._name)


@dataclass(frozen=True)
class Choice:
    """The models that an evaluation judges.

    Parameters
    ----------
    registry : Registry
        Holds them.
    family : str
        Their family.
    absorber : str
        Empty, or the only one asked for: a model was named, not a family.
    """

    registry: Registry
    family: str
    absorber: str = ""

    def card(self, absorber: str) -> ModelCard | None:
        """Return the card of the model that answers for an absorber; None if it has no good one."""
        try:
            return self.registry.find(absorber, "K", self.family)
        except ModelDamagedError:
            return None


def choose(registry: Registry, name: str) -> Choice:
    """Find a family, or one model, by name.

    Raises
    ------
    ModelNotFoundError
        If there is neither.
    """
    cards = registry.cards()
    families = sorted({card.family for card in cards})
    if name in families:
        return Choice(registry, name)
    for card in cards:
        if card.name == name:
            return Choice(OnlyOne(registry, name), card.family, card.absorber)
    raise ModelNotFoundError(
        f"no model or family {name}: there are the families {', '.join(families) or '(none)'}"
        f" and the models {', '.join(card.name for card in cards) or '(none)'}"
    )


@dataclass(frozen=True)
class Turn:
    """Who judges a row.

    Parameters
    ----------
    member : int
        The member that did not see it; :data:`WHOLE` if none of them saw it.
    seen : {"", "itself", "group"}
        Whether the model was trained on it, or on another row of its group.
    why_not : str
        Why it is not scored; empty if it is.
    """

    member: int
    seen: str
    why_not: str


def turns(rows: Sequence[Labelled], choice: Choice) -> list[Turn]:
    """Tell for each row who may judge it without having seen it.

    A row whose fingerprint is on the card was seen by all members but that of its fold.  A
    scored or mixed row of the same group is as good as seen: it goes to the same member.  Where
    no member is free, the row is not scored.  An `other` row is no answer that could leak.

    Parameters
    ----------
    rows : sequence of Labelled
        With their groups.
    choice : Choice
        The models.

    Returns
    -------
    list of Turn
        In the order of `rows`.
    """
    cards = {absorber: choice.card(absorber) for absorber in {row.absorber for row in rows}}
    fold_of = {a: card.training.fold_of() if card else {} for a, card in cards.items()}
    own = [fold_of[row.absorber].get(row.fingerprint) for row in rows]
    of_group: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row, fold in zip(rows, own, strict=True):
        if fold is not None:
            of_group[row.absorber, row.group].add(fold)
    found = []
    for row, itself in zip(rows, own, strict=True):
        card, kin = cards[row.absorber], of_group.get((row.absorber, row.group), set())
        kin = set() if row.enters is Enters.OOD_AUROC else kin
        seen = "itself" if itself is not None else "group" if kin else ""
        fold = min(kin) if itself is None and len(kin) == 1 else itself
        free = fold is not None and card is not None and fold < card.members
        why_not = row.why_not
        if not why_not and choice.absorber not in ("", row.absorber):
            why_not = f"the model is for {choice.absorber}"
        if not why_not and seen and not free:
            why_not = SEEN
        found.append(Turn(fold if free and fold is not None else WHOLE, seen, why_not))
    return found
