"""Phrases against gensim: the same phrases, the same scores, the same sentences."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from hornbook.embeddings.phrases import Phrases, PhrasesConfig
from hornbook.embeddings.words import VocabularyConfig, read_sentences

peer = pytest.importorskip("gensim.models.phrases", reason="gensim is not installed (group peers)")


def corpus(seed: int = 1) -> list[list[str]]:
    """Sentences of Zipfian words, in which some pairs and triples stand together."""
    rng = np.random.default_rng(seed)
    sentences = []
    for _ in range(3000):
        words = [f"w{number}" for number in np.minimum(rng.zipf(1.4, 12), 2000)]
        for place, group in ((2, ["new", "york"]), (6, ["machine", "learning", "model"]), (9, ["new", "york", "city", "hall"])):
            if rng.random() < 0.1:
                words[place:place] = group
        sentences.append(words)
    return sentences


@pytest.mark.parametrize(
    ("scoring", "threshold", "min_count"), [("counts", 10.0, 5), ("counts", 0.5, 1), ("npmi", 0.5, 5), ("npmi", 0.1, 2)]
)
@pytest.mark.parametrize("passes", [1, 2])
def test_scores_and_sentences(scoring: Literal["counts", "npmi"], threshold: float, min_count: int, passes: int) -> None:
    sentences = corpus()
    theirs, learned = sentences, []
    for _ in range(passes):
        learned.append(peer.Phrases(theirs, min_count, threshold, scoring="default" if scoring == "counts" else "npmi"))
        theirs = [learned[-1][sentence] for sentence in theirs]
    phrases = Phrases(PhrasesConfig(scoring, threshold, min_count, passes=passes))
    read = phrases.fit_transform(*read_sentences(sentences, VocabularyConfig(min_count=1), log=lambda event: None))
    for ours, model in zip(phrases.scores_, learned):
        expected = {pair: model.score_candidate(*pair, [])[1] for pair in ours}
        assert ours == pytest.approx(expected, rel=1e-12)
    exported = learned[0].export_phrases()  # of a second pass it gives nothing useful: it splits at every delimiter
    assert {"_".join(pair) for pair in phrases.scores_[0]} == set(exported) and len(exported) > 3
    vocabulary, joined = read
    assert [[vocabulary.words[number] for number in joined[index].tolist()] for index in range(len(joined))] == theirs
    assert [phrases.join(sentence) for sentence in sentences] == theirs
    again = read_sentences(theirs, VocabularyConfig(min_count=1), log=lambda event: None)
    assert again[0].words == vocabulary.words and again[0].counts.tolist() == vocabulary.counts.tolist()
    assert again[1].ids.tolist() == joined.ids.tolist() and again[0].total == vocabulary.total
