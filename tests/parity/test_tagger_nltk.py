"""The second-order tagger beside NLTK's TnT on a treebank: at least two points better, on new words twenty."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hornbook.corpus.labelled import read_labelled
from hornbook.statistical.hmm_tagger import HmmTagger

Sentences = list[tuple[list[str], list[str]]]


def treebank(split: str) -> Sentences:
    data = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "ud-en-ewt"
    if not data.is_dir():
        pytest.skip(f"{data} is absent: set HORNBOOK_DATA to the folder that holds ud-en-ewt/")
    return [(list(s.tokens), list(s.labels)) for s in read_labelled(data / f"en_ewt-ud-{split}.conllu.gz")]


def accuracies(gold: Sentences, found: list[list[str]], known: set[str]) -> tuple[float, float]:
    """Over all words, and over those not in the training text."""
    rows = [
        (word, a == b) for (words, tags), answer in zip(gold, found) for word, a, b in zip(words, tags, answer, strict=True)
    ]
    new = [right for word, right in rows if word not in known]
    return sum(right for _, right in rows) / len(rows), sum(new) / len(new)


def test_two_points_above_tnt() -> None:
    tag = pytest.importorskip("nltk.tag", reason="nltk is in the group `peers`: make peers")
    from nltk.tag.tnt import TnT

    train, test = treebank("train"), treebank("dev")[:600]
    known = {word for words, _ in train for word in words}
    peer = TnT(unk=tag.DefaultTagger("NOUN"), Trained=True)
    peer.train([list(zip(words, tags)) for words, tags in train])
    theirs = accuracies(test, [[tag for _, tag in peer.tag(words)] for words, _ in test], known)
    ours = accuracies(test, HmmTagger().fit(train).tag([words for words, _ in test]), known)
    assert ours[0] > theirs[0] + 0.02 and ours[1] > theirs[1] + 0.2
    assert ours[0] > 0.94
