"""Make folders and files that only this account, or one named group, can read."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

logger = logging.getLogger(__name__)
_told: set[str] = set()


@dataclass(frozen=True)
class Access:
    """Who may read and write what is kept.

    Parameters
    ----------
    group : str
        Name of a group of this machine whose members may, too; empty: this account alone.
    """

    group: str = ""

    @property
    def folder_mode(self) -> int:
        """Permissions of folders; files of a group's folder belong to the group."""
        return 0o2770 if self.group else 0o700

    @property
    def file_mode(self) -> int:
        """Permissions of files."""
        return 0o660 if self.group else 0o600

    def folder(self, path: Path) -> None:
        """Make a folder, and those above it, where they are missing; others stay as they are.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        if path.is_dir():
            return
        if path.parent != path:
            self.folder(path.parent)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            if not path.is_dir():
                raise
        else:
            self._give(path, self.folder_mode)

    def append(self, path: Path) -> FileIO:
        """Open a file for appending, without a buffer; made if it is missing.

        Raises
        ------
        OSError
            If it cannot be opened.
        """
        handle = FileIO(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))
        self.keep(path)
        return handle

    def keep(self, path: Path) -> None:
        """Give a file of this account its permissions, whatever it had."""
        with suppress(OSError):
            info = path.lstat()
            mine = not hasattr(os, "getuid") or info.st_uid == os.getuid()
            if stat.S_ISREG(info.st_mode) and mine:
                self._give(path, self.file_mode)

    def keep_all(self, folder: Path) -> None:
        """Give a folder, and all that it holds, their permissions."""
        for root, _, files in os.walk(folder):
            with suppress(OSError):
                if not Path(root).is_symlink():
                    self._give(Path(root), self.folder_mode)
            for name in files:
                self.keep(Path(root) / name)

    def _give(self, path: Path, mode: int) -> None:
        if self.group and hasattr(os, "chown"):
            try:
                import grp

                os.chown(path, -1, grp.getgrnam(self.group).gr_gid)
            except (KeyError, OSError) as error:
                if self.group not in _told:
                    _told.add(self.group)
                    logger.warning(
                        "%s cannot be given to the group %s (%s): it stays this account's alone. "
                        "Check `publish.group`.",
                        path,
                        self.group,
                        error,
                    )
                mode &= 0o700
        path.chmod(mode)


PRIVATE = Access()
"""This account alone."""


def open_to_others(path: Path) -> bool:
    """Whether everybody on this machine may look into a folder."""
    try:
        return bool(path.stat().st_mode & 0o007)
    except OSError:
        return False
