"""Turn your own text into a working language model. `load` opens a saved model, `pipeline` asks one as Hugging Face's pipelines
do, `TextClassifier` is a classifier for scikit-learn; every other verb is in `hornbook.api`.
"""

from __future__ import annotations

from importlib.metadata import version as _version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.api.estimators import TextClassifier as TextClassifier

__all__ = ["TextClassifier", "load", "pipeline", "version"]

version = _version("hornbook")


def load(folder: str | Path) -> Any:
    """Open a model folder that hornbook wrote (any kind), or a GPT-2 folder in Hugging Face layout; see `hornbook.api.load`."""
    from hornbook.api import load as open_folder

    return open_folder(Path(folder))


def pipeline(task: str, model: Any, **settings: Any) -> Any:
    """A function that asks a saved model as `transformers.pipeline` does; see `hornbook.api.pipelines.pipeline`."""
    from hornbook.api.pipelines import pipeline as make

    return make(task, model, **settings)


def __getattr__(name: str) -> Any:
    """`TextClassifier`, whose libraries load when it is asked for."""
    if name != "TextClassifier":
        raise AttributeError(f"module 'hornbook' has no attribute {name!r}")
    from hornbook.api.estimators import TextClassifier

    return TextClassifier
