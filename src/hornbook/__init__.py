"""Turn your own text into a working language model. `load` opens a saved model; every other verb is in `hornbook.api`."""

from __future__ import annotations

from importlib.metadata import version as _version
from pathlib import Path
from typing import Any

__all__ = ["load", "version"]

version = _version("hornbook")


def load(folder: str | Path) -> Any:
    """Open a model folder that hornbook wrote (any kind), or a GPT-2 folder in Hugging Face layout; see `hornbook.api.load`."""
    from hornbook.api import load as open_folder

    return open_folder(Path(folder))
