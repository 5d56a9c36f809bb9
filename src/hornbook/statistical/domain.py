"""Choosing text of a domain from a general collection by cross-entropy difference (Moore and Lewis 2010).

difference(text) = H(text under the domain's model) - H(text under the general model), nats a token

The lower, the more a text is like the domain and the less like everything else. Both models are best of equal kind, and the
general one is trained on about as much text as the domain's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.types import LanguageModel
from hornbook.statistical.mixture import same_tokenizer

_GROUP = 1 << 22  # characters scored together


def cross_entropy_differences(
    texts: Sequence[str], *, domain: LanguageModel[Any], general: LanguageModel[Any]
) -> NDArray[np.float64]:
    """(texts,) nats a token, ends counted. UsageError when the models have different tokenizers."""
    if not same_tokenizer(domain.tokenizer, general.tokenizer):
        raise UsageError("the domain's model and the general one need one tokenizer: the difference compares tokens")
    result = np.empty(len(texts))
    done = 0
    while done < len(texts):
        last, size = done, 0
        while last < len(texts) and (last == done or size < _GROUP):
            size += len(texts[last])
            last += 1
        documents = [np.asarray(ids) for ids in domain.tokenizer.encode_batch(texts[done:last])]
        pairs = zip(domain.log_probs(documents), general.log_probs(documents))
        result[done:last] = [float((other - own).mean(dtype=np.float64)) for own, other in pairs]
        done = last
    return result


def domain_filter(
    *, domain: LanguageModel[Any], general: LanguageModel[Any], threshold: float = 0.0
) -> Callable[[Sequence[str]], NDArray[np.bool_]]:
    """A filter for a corpus: texts -> (texts,) whether each is nearer to the domain than `threshold` nats a token."""

    def keep(texts: Sequence[str]) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = cross_entropy_differences(texts, domain=domain, general=general) < threshold
        return near

    return keep


def best_threshold(
    differences: NDArray[np.float64], held_out: Callable[[float], float], *, shares: Sequence[float] = (0.05, 0.1, 0.2, 0.4)
) -> float:
    """The threshold among those that keep these shares of the texts whose selection has the lowest `held_out` loss.

    `held_out` trains on what a threshold keeps and gives the perplexity of text of the domain, as Moore and Lewis chose theirs.
    """
    thresholds = [float(np.quantile(differences, share)) for share in shares]
    return min(thresholds, key=held_out)
