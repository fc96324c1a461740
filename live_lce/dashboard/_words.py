"""Put predictions into words for a tired person at the hutch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from live_lce.contract import STATUS_WORDS, Reason, Status
from live_lce.results._presentation import class_words, reason_words

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0

_SHORT: Mapping[str, str] = {
    Reason.OUT_OF_DISTRIBUTION: "looks like nothing the model was trained on",
    Reason.OTHER_ENVIRONMENT: "looks like none of T4, S5 and O6",
    Reason.METAL_LIKE: "looks like a metal, the model knows oxides only",
    Reason.WITNESS_DISAGREES: "the pre-edge peak contradicts the model",
    Reason.LOW_CONFIDENCE: "undecided",
    Reason.WINDOW_NOT_COVERED: "not enough of the edge measured",
    Reason.EDGE_NOT_REACHED: "the edge is not reached yet",
    Reason.NO_MODEL: "no model for this absorber",
    Reason.TOO_NOISY: "too noisy",
    Reason.EDGE_STEP_TOO_SMALL: "hardly any edge step",
}
"""Short words for the commonest reasons; the others are told by the contract's sentence."""


@dataclass(frozen=True)
class Flag:
    """One reason, in words.

    Parameters
    ----------
    code : str
        Of the contract.
    words : str
        What it means.
    advice : str
        What to do; empty if nothing.
    decides : bool
        Whether it is why there is no answer.
    """

    code: str
    words: str
    advice: str
    decides: bool


def class_word(label: str) -> str:
    """Return a class in one word, e.g. ``octahedral``; its name where there is none."""
    return class_words(label).split(" (")[0]


def headline(row: Mapping[str, Any]) -> str:
    """Return the environment in words, e.g. ``octahedral``, or ``no answer``."""
    return class_word(str(row["label"])) if row["answered"] else "no answer"


def subline(row: Mapping[str, Any], reach: float = math.nan) -> str:
    """Return how sure it is and on how much it rests, or why there is no answer.

    Parameters
    ----------
    row : mapping
        A prediction: columns of the contract.
    reach : float
        How far past the edge a growing scan was measured (eV); NaN to leave it out.
    """
    growing = not row["final"] and math.isfinite(reach)
    said = percent(float(row["confidence"])) if row["answered"] else _why_not(row)
    return said + (f", at {reach:.0f} eV past the edge" if growing else "")


def percent(probability: float) -> str:
    """Return a probability in percent; never 0 and never 100, which no model can know."""
    rounded = round(100 * probability)
    return "> 99 %" if rounded >= 100 else "< 1 %" if rounded < 1 else f"{rounded} %"


def flags(row: Mapping[str, Any]) -> list[Flag]:
    """Return what is to be kept in mind about a prediction, the deciding reason first."""
    found = []
    for index, code in enumerate(codes(row)):
        words, _, advice = reason_words(code).rstrip(".").partition(": ")
        found.append(Flag(code, words, advice, index == 0 and not row["answered"]))
    return found


def codes(row: Mapping[str, Any]) -> list[str]:
    """Return the codes of a prediction's reasons, the deciding one first."""
    return [code for code in str(row["reason"]).split(";") if code]


def ago(seconds: float) -> str:
    """Return a duration in words: ``now``, ``12 s ago``, ``3 min ago``, ``2 h ago``."""
    return "now" if seconds < 2 else f"{lasting(seconds)} ago"


def lasting(seconds: float) -> str:
    """Return a duration in words: ``0 s``, ``12 s``, ``3 min``, ``2 h``, ``5 days``."""
    for unit, size, upto in (("s", 1.0, 90.0), ("min", _MINUTE, 90 * _MINUTE)):
        if seconds < upto:
            return f"{max(0.0, seconds) / size:.0f} {unit}"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"


def moment(seconds: float) -> str:
    """Return a time of this computer's zone, to the second; empty if unknown."""
    if not math.isfinite(seconds):
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _why_not(row: Mapping[str, Any]) -> str:
    found = codes(row)
    if not found:
        return _of_status(str(row["status"]))
    words = _SHORT.get(found[0])
    if words is None:
        words = reason_words(found[0]).partition(": ")[0].rstrip(".")
        words = words[0].lower() + words[1:]
    if found[0] == Reason.LOW_CONFIDENCE and row["label_set"]:
        words += " between " + " and ".join(map(class_word, str(row["label_set"]).split(",")))
    return words


def _of_status(status: str) -> str:
    """Return why there is no answer where no reason is given."""
    try:
        words = STATUS_WORDS[Status(status)]
    except ValueError:  # of a newer contract
        return f"the status is {status}"
    return words.partition(": ")[2].rstrip(".") or words
