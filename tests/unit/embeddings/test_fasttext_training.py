"""fastText from the user's side: words and their n-grams learn together, unknown words have vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.core.errors import UsageError
from hornbook.core.events import Event, Note, Saved
from hornbook.embeddings.fasttext import FastText, FastTextConfig
from hornbook.embeddings.subwords import SubwordConfig, ngram_rows


def sentences(count: int = 1200) -> list[list[str]]:
    """Two topics whose words share a stem each."""
    generator = np.random.default_rng(3)
    groups = [[f"{stem}{ending}" for ending in ("ing", "ed", "er", "s", "")] for stem in ("garden", "hammer")]
    return [[str(word) for word in generator.choice([*groups[i % 2], "the", "and"], size=8)] for i in range(count)]


def small(**changes: Any) -> FastTextConfig:
    return FastTextConfig(**{"dimensions": 20, "epochs": 4, "threads": 2, "min_n": 3, "max_n": 5, "buckets": 500, **changes})


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["negative", "hierarchical"])
def test_unknown_words_are_near_their_stem(model: str, loss: str) -> None:
    trained = FastText(small(model=model, loss=loss)).fit(sentences())
    vectors = trained.vectors_
    assert vectors.subwords is not None and vectors.subwords.places.shape == (500,)
    assert len(vectors.subwords.buckets) < 500  # rows in use, and one of zeros for the others
    unknown = vectors.get_vector("gardeners")
    assert vectors.similar_by_vector(unknown, topn=5)[0][0].startswith("garden")
    assert vectors.similarity("gardening", "gardener") > vectors.similarity("gardening", "hammered")


def test_a_vector_is_the_mean_of_its_rows() -> None:
    trained = FastText(small()).fit(sentences())
    vectors, subwords = trained.vectors_, trained.vectors_.subwords
    assert subwords is not None
    rows, starts = ngram_rows(vectors.index_to_key, SubwordConfig(3, 5, 500))
    used = np.zeros(500, bool)
    used[rows] = True
    buckets = subwords.buckets[subwords.places]  # (500, 20)
    assert not buckets[~used].any() and buckets[used].any(1).all()
    word = vectors.key_to_index["garden"]
    own = rows[starts[word] : starts[word + 1]]
    alone = vectors.vectors[word] * (own.size + 1) - buckets[own].sum(0)  # the word's own row
    assert subwords.vector("garden", row=alone) == pytest.approx(vectors.vectors[word], abs=1e-5)


def test_same_bytes_after_a_stop(tmp_path: Path) -> None:
    whole = FastText(small()).fit(sentences())

    class Stop(Exception):
        pass

    def stop(event: Event) -> None:
        if isinstance(event, Saved):
            raise Stop

    with pytest.raises(Stop):
        FastText(small()).fit(sentences(), folder=tmp_path, save_seconds=0, log=stop)
    resumed = FastText(small()).fit(sentences(), folder=tmp_path, resume=True)
    assert resumed.vectors_.vectors.tobytes() == whole.vectors_.vectors.tobytes()
    assert resumed.vectors_.subwords is not None and whole.vectors_.subwords is not None
    assert resumed.vectors_.subwords.buckets.tobytes() == whole.vectors_.subwords.buckets.tobytes()


def test_subwords_follow_the_script() -> None:
    notes: list[Event] = []
    chinese = [list("我们学习语言模型") for _ in range(200)]
    trained = FastText(dimensions=8, epochs=1).fit(chinese, log=notes.append)
    assert trained.vectors_.subwords is not None
    config = trained.vectors_.subwords.config
    assert (config.min_n, config.max_n) == (1, 3) and config.buckets < 500
    assert any(isinstance(event, Note) and "1 to 3" in event.text for event in notes)


def test_given_vectors_are_the_start() -> None:
    first = FastText(small()).fit(sentences())
    barely = FastText(small(epochs=1, learning_rate=1e-7, min_learning_rate=0)).fit(sentences(), initial=first.vectors_)
    assert barely.vectors_.vectors == pytest.approx(first.vectors_.vectors, abs=1e-3)


def test_configuration() -> None:
    assert FastText(bucket=1000, vector_size=10).config == FastTextConfig(buckets=1000, dimensions=10)
    assert FastTextConfig().rate == 0.05
    with pytest.raises(UsageError, match="both"):
        FastTextConfig(min_n=2)
    with pytest.raises(UsageError):
        FastTextConfig(min_n=4, max_n=3)
