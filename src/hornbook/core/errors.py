"""Errors a user can cause: one line saying what, where and what to do, in English or Chinese by locale (P20)."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class HornbookError(Exception):
    """A failure with a known cause. `template` is an English sentence with {fields}; a Chinese one is looked up by it."""

    exit_code = 1

    def __init__(self, template: str, **fields: object) -> None:
        self.template = template
        self.fields = fields
        super().__init__(translate(template).format(**fields) if fields else translate(template))


class ContentError(HornbookError):
    """Bad content or a failed run: exit code 1."""


class UsageError(HornbookError):
    """A wrong flag, path or configuration: exit code 2."""

    exit_code = 2


class DiskFullError(HornbookError):
    """No room left on the disk: exit code 28."""

    exit_code = 28


class Interrupted(HornbookError):
    """Stopped by the user, state saved: exit code 130."""

    exit_code = 130


def chinese_locale() -> bool:
    """Whether messages are to be Chinese: the first set of HORNBOOK_LANG, LC_ALL, LC_MESSAGES, LANG starts with zh."""
    for name in ("HORNBOOK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value.lower().startswith("zh")
    return False


def translate(template: str) -> str:
    """The template in the user's language; English where no translation exists."""
    if not chinese_locale():
        return template
    from hornbook.core.messages_zh import MESSAGES

    return MESSAGES.get(template, template)


def nearest(name: str, options: Iterable[str]) -> str:
    """' Did you mean X?' with the closest option, or the list of options when none is close."""
    names = sorted(options)
    close = difflib.get_close_matches(name.lower(), [option.lower() for option in names], n=1, cutoff=0.5)
    if close:
        best = next(option for option in names if option.lower() == close[0])
        return translate(" Did you mean {best}?").format(best=best)
    return translate(" Choose from: {names}.").format(names=", ".join(names))


def needs_extra(package: str, extra: str) -> UsageError:
    """The error for a package of an extra that is not installed."""
    return UsageError('{package} is not installed: pip install "hornbook[{extra}]"', package=package, extra=extra)


@contextmanager
def disk_errors(what: str, where: Path) -> Iterator[None]:
    """Turn 'no space left' and 'file too large' from the system into a DiskFullError naming what could not be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DiskFullError(
            "{what} not written to {where}: the disk is full. Free some space or choose another folder with -o.",
            what=what,
            where=where,
        ) from error
