"""Show classes, decisions and reasons: colours, marks and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from live_lce.contract import CLASS_WORDS, DEFAULT_CLASSES, OTHER, REASON_WORDS, Reason

NOT_ANSWERED = "#999999"
"""Colour of what the model did not answer."""
HATCH_NOT_ANSWERED = "/"


@dataclass(frozen=True)
class Look:
    """How one class is drawn; each part differs between the classes.

    Parameters
    ----------
    colour : str
        ``#RRGGBB``.
    dash : tuple of int
        Lengths of strokes and gaps of a line (points); empty for a whole line.
    marker : str
        Matplotlib's letter.
    shape : str
        The same marker in Bokeh's words.
    hatch : str
        One letter, the same for matplotlib and Bokeh.
    """

    colour: str
    dash: tuple[int, ...]
    marker: str
    shape: str
    hatch: str


LOOKS = {
    "T4": Look("#E69F00", (6, 3), "^", "triangle", "."),
    "S5": Look("#009E73", (2, 2), "s", "square", "x"),
    "O6": Look("#0072B2", (), "o", "circle", "\\"),
    OTHER: Look("#CC79A7", (6, 2, 2, 2), "D", "diamond", "-"),
}
"""Of the classes that models have so far.

Colours that colour-blind people can tell apart: M. Okabe and K. Ito, Color Universal Design (2008),
https://jfly.uni-koeln.de/color/.
"""
_MORE = (
    Look("#D55E00", (9, 3), "v", "inverted_triangle", "+"),
    Look("#56B4E9", (4, 4), "P", "plus", "o"),
    Look("#F0E442", (9, 3, 2, 3), "X", "x", "|"),
    Look("#000000", (1, 3), "*", "star", "*"),
)
"""Of classes with other names, in turn: the other colours of Okabe and Ito."""

COLOURS = {label: look.colour for label, look in LOOKS.items()}
"""Colour of each class that models have so far."""


def looks(classes: Iterable[str]) -> dict[str, Look]:
    """Return how each class looks; those with unknown names get what is left, in their order.

    Parameters
    ----------
    classes : iterable of str
        Names; more than four unknown ones begin anew.
    """
    names = dict.fromkeys(classes)
    unknown = [name for name in names if name not in LOOKS]
    others = {name: _MORE[i % len(_MORE)] for i, name in enumerate(unknown)}
    return {name: LOOKS.get(name) or others[name] for name in names}


def in_order(classes: Iterable[str]) -> tuple[str, ...]:
    """Return classes, each once, in the order in which figures stack and list them.

    Parameters
    ----------
    classes : iterable of str
        Names.  Those of the contract come first, ``other`` last.
    """
    names = dict.fromkeys(classes)
    known = [name for name in DEFAULT_CLASSES if name in names]
    last = [OTHER] if OTHER in names else []
    return (*known, *(name for name in names if name not in {*known, OTHER}), *last)


def class_words(label: str) -> str:
    """Return what a class means, e.g. ``octahedral (6 neighbours)``; its name if unknown."""
    return "none of the others" if label == OTHER else CLASS_WORDS.get(label, label)


def decision_words(
    label: str, confidence: float, status: str, reason: str, label_set: tuple[str, ...] = ()
) -> str:
    """Return what was said of a spectrum, on one line.

    Parameters
    ----------
    label, confidence, status, reason, label_set
        As in the contract; `label` empty if not answered.
    """
    if label:
        provisional = ", provisional" if status == "partial" else ""
        return f"{label}: {class_words(label)}, probability {confidence:.2f}{provisional}"
    code = reason.partition(";")[0]
    between = " or ".join(label_set) if code == Reason.LOW_CONFIDENCE.value else ""
    why = code.replace("_", " ") + (f" ({between})" if between else "")
    return f"not answered: {why or status}"


def reason_words(code: str) -> str:
    """Return what a reason means and what to do; the code itself if it is of a newer contract."""
    try:
        return REASON_WORDS[Reason(code)]
    except ValueError:
        return f"{code}: see docs/reference/contract.md of the release that wrote it"


def printable(text: str) -> str:
    """Return free text with spaces for what no page and no figure may hold, as control codes."""
    return "".join(c if c.isprintable() else " " for c in text)
