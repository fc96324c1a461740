"""Make text safe for terminals, logs and spreadsheets, because names come from other people.

Names of samples, files and signals come from anybody, addresses may hold a key.  What shows them
gives them through one of these, where they leave, and nowhere else.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"  # order of writing, what is invisible, halves
)
_KEY = re.compile(
    r"(?i)((?:api(?:[-_]|%5F)?key|token|password|secret)"
    r"""(?:(?:=|%3D)["']?|["']?\s*[=:]\s*b?["']))"""  # of an address, of Python, JSON or TOML
    r"""([^\s&#;"'<>,)\]]+)"""
)
_HEADER = re.compile(
    r"""(?i)\b(apikey\s+|bearer\s+|authorization["']?\s*:\s*["']?basic\s+)([\w.~+/=-]{8,})"""
)
_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)([^\s/?#\"'<>]*)@")
_MASK = "********"
_BEGINS = r"[\s\x00\u200b\ufeff]*(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA = re.compile(_BEGINS)
_NEXT_CELL = re.compile(rf"([,;\t])({_BEGINS})")
_CELL_WITHIN = re.compile(rf"([;\t\r\n])({_BEGINS})")
"""A comma in a cell is quoted; a spreadsheet of a language with a decimal comma cuts at others."""


def printable(text: str) -> str:
    r"""Return text that a terminal shows and does not obey.

    Control characters, among them those of escape sequences and of the order of writing, are
    written as ``\x1b``; tab and line feed stay.

    Parameters
    ----------
    text : str
        Whatever it is.
    """
    return _CONTROLS.sub(lambda found: _written(found.group()), text)


def one_line(text: str) -> str:
    """Return free text as one line without what a terminal or a parser takes for a command.

    Parameters
    ----------
    text : str
        Whatever it is; what cannot be printed becomes a space.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def printable_json(text: str) -> str:
    r"""Return JSON text with the same values that a terminal does not obey: ``\u001b``.

    Parameters
    ----------
    text : str
        As `json.dumps` writes it.
    """
    return _CONTROLS.sub(lambda found: json.dumps(found.group())[1:-1], text)


def _written(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def hide_keys(text: str) -> str:
    """Return text whose addresses have no key and no password.

    Parameters
    ----------
    text : str
        An address, or a text with addresses in it.
    """
    text = _KEY.sub(rf"\1{_MASK}", text)
    text = _HEADER.sub(rf"\1{_MASK}", text)
    return _PASSWORD.sub(_without_password, text)


def _without_password(found: re.Match[str]) -> str:
    user, colon, _ = found.group(2).partition(":")
    return f"{found.group(1)}{user}{colon}{_MASK if colon else ''}@"


def has_key(text: str) -> bool:
    """Whether a text holds an address with a key or a password."""
    return hide_keys(text) != text


def shown(text: str) -> str:
    """Return text for people: printable, without keys."""
    return hide_keys(printable(text))


def csv_cell(value: Any) -> Any:
    """Return a cell that a spreadsheet does not take for a formula.

    A text that would be one gets an apostrophe before it, as spreadsheets have it; what is no
    text, or the text of a number, stays.

    Parameters
    ----------
    value : object
        What is to be written.
    """
    if not isinstance(value, str):
        return value
    try:
        float(value)
    except ValueError:
        within = _CELL_WITHIN.sub(r"\1\2'", value)
        return f"'{within}" if _FORMULA.match(value) else within
    return value


def csv_comment(text: str) -> str:
    """Return a line above a table in which no part after a comma is a formula.

    Parameters
    ----------
    text : str
        One line.
    """
    return _NEXT_CELL.sub(r"\1\2'", text)


class Cleaner(logging.Handler):
    """Makes every record of a logger and those below it fit for people, before others have it.

    It writes nothing, and so must not be what keeps Python from writing warnings itself where
    nobody has set up logging.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Clean a record."""
        try:
            record.msg, record.args = shown(record.getMessage()), None
            if record.exc_info and not record.exc_text:
                record.exc_text = shown(_TRACEBACK.formatException(record.exc_info))
        except Exception:  # a message that does not fit its arguments: its handlers tell
            return False
        last = logging.lastResort
        alone = not logging.getLogger().handlers and _only(self, record.name)
        if alone and last is not None and record.levelno >= last.level:
            last.handle(record)
        return True


_TRACEBACK = logging.Formatter()


def _only(handler: logging.Handler, name: str) -> bool:
    """Whether no other handler of our loggers gets what a logger says."""
    found: logging.Logger | None = logging.getLogger(name)
    while found is not None and found is not logging.root:
        if any(one is not handler for one in found.handlers):
            return False
        found = found.parent if found.propagate else None
    return True


def clean_logs() -> None:
    """Clean what live_lce logs; safe to call twice."""
    logger = logging.getLogger("live_lce")
    if not any(isinstance(one, Cleaner) for one in logger.handlers):
        logger.handlers.insert(0, Cleaner())
