"""Classes, verdicts and reasons in words."""

from __future__ import annotations

from live_lce.contract import CLASS_WORDS, OTHER, REASON_WORDS, Reason


def class_words(label: str) -> str:
    """Return what a class means, e.g. ``octahedral (6 neighbours)``; its name if unknown."""
    return "none of the others" if label == OTHER else CLASS_WORDS.get(label, label)


def verdict_words(
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
