"""Fill the gaps of texts with any saved model that can: the way there depends on what a text costs the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hornbook.core.errors import UsageError
from hornbook.scoring.gaps import Filled


def fill_texts(model: Any, texts: Sequence[str], *, top: int, longest: int, where: object) -> list[Filled]:
    """What may stand in the gaps of each text. UsageError for a text without a gap and for a model that scores no texts."""
    if top < 1 or longest < 1:
        name, value = ("top", top) if top < 1 else ("longest", longest)
        raise UsageError("{name} must be {expected}, not {value}", name=name, value=value, expected="at least 1")
    if hasattr(model, "masked_log_probs"):
        from hornbook.scoring.fill_masked import fill_masked

        return [fill_masked(model, text, top=top, longest=longest) for text in texts]
    if not hasattr(model, "log_probs"):
        raise UsageError(
            "{folder} is {kind}: fill asks language models, and models that guess hidden tokens",
            folder=where,
            kind=type(model).__name__,
        )
    from hornbook.scoring.fill import every_word, fill, likely_words, shared_start, whole_texts

    if is_network(model):
        return [fill(model, text, top=top, propose=likely_words, score=shared_start) for text in texts]
    return [fill(model, text, top=top, propose=every_word, score=whole_texts) for text in texts]


def is_network(model: Any) -> bool:
    """Whether a text costs matrix products: the model is a network, or a mixture with one."""
    return hasattr(model, "module") or any(map(is_network, getattr(model, "models", ())))
