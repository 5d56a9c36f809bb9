"""Word2Vec from the user's side: what it learns, says, repeats, resumes and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Alarm, Event, Finished, Note, Progress, Saved, Step
from hornbook.embeddings import checkpoint
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec import Word2Vec, Word2VecConfig, from_gensim

FRUIT, TOOLS = ["apple", "pear", "plum", "grape", "melon"], ["saw", "nail", "drill", "file", "plane"]


def topics(sentences: int = 1500, seed: int = 1) -> list[list[str]]:
    """Sentences about fruit and sentences about tools, with words that both have."""
    generator = np.random.default_rng(seed)
    both = ["the", "a", "is", "on"]
    return [[str(word) for word in generator.choice([*(FRUIT if i % 2 else TOOLS), *both], size=8)] for i in range(sentences)]


def closer_within(vectors: WordVectors) -> float:
    """Mean cosine inside the two groups minus the mean between them."""
    inside = [vectors.similarity(a, b) for group in (FRUIT, TOOLS) for a in group for b in group if a != b]
    between = [vectors.similarity(a, b) for a in FRUIT for b in TOOLS]
    return float(np.mean(inside) - np.mean(between))


class Stop(Exception):
    """What interrupts a training here."""


class StopAtSave:
    """A log that interrupts the training at its n-th checkpoint."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, event: Event) -> None:
        self.left -= isinstance(event, Saved)
        if self.left == 0:
            raise Stop


def small(**changes: Any) -> Word2VecConfig:
    return Word2VecConfig(**{"dimensions": 20, "epochs": 4, "threads": 2, "shared_negatives": 8, **changes})


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["negative", "hierarchical"])
def test_words_of_one_topic_are_close(model: str, loss: str) -> None:
    events: list[Event] = []
    trained = Word2Vec(small(model=model, loss=loss, epochs=8)).fit(topics(), log=events.append)
    assert closer_within(trained.vectors_) > 0.4
    assert trained.vectors_.vectors.shape == (14, 20) and np.isfinite(trained.vectors_.vectors).all()
    assert trained.vectors_.counts is not None and trained.vectors_.counts.sum() == 12_000
    assert (trained.vectors_.context is not None) == (loss == "negative")
    assert trained.tokens_seen_ == 96_000 and trained.pairs_ > 0 and trained.seconds_ > 0
    steps = [event for event in events if isinstance(event, Step)]
    assert steps[-1].tokens == 96_000 and steps[-1].learning_rate == pytest.approx(1e-4, abs=1e-5)
    assert [event for event in events if isinstance(event, Progress)] and isinstance(events[-2], Finished)
    assert trained.alarms_ == [event for event in events if isinstance(event, Alarm)]


def test_same_seed_and_threads_same_bytes() -> None:
    one, again, other_seed = (Word2Vec(small(seed=seed)).fit(topics()) for seed in (1, 1, 2))
    assert one.vectors_.vectors.tobytes() == again.vectors_.vectors.tobytes()
    assert one.vectors_.vectors.tobytes() != other_seed.vectors_.vectors.tobytes()
    alone = Word2Vec(small(threads=1)).fit(topics())
    assert alone.vectors_.vectors.tobytes() == Word2Vec(small(threads=1, racy=True)).fit(topics()).vectors_.vectors.tobytes()
    assert closer_within(Word2Vec(small(racy=True, epochs=8)).fit(topics()).vectors_) > 0.4


def test_resume_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole = Word2Vec(small()).fit(topics())

    for stop_at in (1, 3):
        with pytest.raises(Stop):
            Word2Vec(small()).fit(topics(), folder=tmp_path, resume=True, save_seconds=0, log=StopAtSave(stop_at))
    events: list[Event] = []
    resumed = Word2Vec(small()).fit(topics(), folder=tmp_path, resume=True, log=events.append)
    assert resumed.vectors_.vectors.tobytes() == whole.vectors_.vectors.tobytes()
    assert resumed.pairs_ == whole.pairs_
    finished = Word2Vec(small()).fit(topics(), folder=tmp_path, resume=True)  # nothing left to train
    assert finished.vectors_.vectors.tobytes() == whole.vectors_.vectors.tobytes()
    with pytest.raises(UsageError, match="window was 5 and is 3 now"):
        Word2Vec(small(window=3)).fit(topics(), folder=tmp_path, resume=True)
    with pytest.raises(UsageError, match="corpus was"):
        Word2Vec(small()).fit(topics(seed=2), folder=tmp_path, resume=True)
    checkpoint.remove(tmp_path)
    assert not tmp_path.exists()


def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path) -> None:
    whole = Word2Vec(small()).fit(topics(), folder=tmp_path, save_seconds=0)
    last = max(tmp_path.iterdir(), key=lambda path: int(path.name.split("-")[1]))
    weights = last / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 4
    weights.write_bytes(bytes(data))
    resumed = Word2Vec(small()).fit(topics(), folder=tmp_path, resume=True)
    assert resumed.vectors_.vectors.tobytes() == whole.vectors_.vectors.tobytes()
    assert any("set aside" in alarm.text for alarm in resumed.alarms_) and (tmp_path / f"bad-{last.name}").is_dir()


def test_two_sentences_train_and_say_what_they_cannot_teach() -> None:
    events: list[Event] = []
    trained = Word2Vec(size=3, window=2, min_count=1, workers=4)
    trained.fit([["hello", "world"], ["hello", "world", "python"]], log=events.append)
    assert trained.vectors_["hello"].shape == (3,)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert "size is called dimensions here: dimensions = 3" in notes
    assert any("pairs trained in 5 epochs" in note for note in notes)
    alarms = [alarm.text for alarm in trained.alarms_]
    assert "subsampling at 0.001 would leave" in alarms[0] and "did not move" in alarms[1]
    assert trained.pairs_ > 0


def test_few_pairs_are_an_alarm() -> None:
    generator = np.random.default_rng(1)
    sentences = [[f"w{n}" for n in generator.integers(0, 400, size=10)] for _ in range(40)]
    trained = Word2Vec(small(min_count=1, epochs=1, learning_rate=0.5, sample=0)).fit(sentences)
    assert "too few" in trained.alarms_[0].text


def test_no_vocabulary_to_tell_apart() -> None:
    with pytest.raises(ContentError, match="vocabulary has 1 words"):
        Word2Vec(small()).fit([["a"] * 10])
    with pytest.raises(ContentError):
        Word2Vec(small()).fit(["a plain string", "another one"])


def test_given_vectors_are_the_start() -> None:
    first = Word2Vec(small(epochs=8)).fit(topics())
    barely = Word2Vec(small(epochs=1, learning_rate=1e-7, min_learning_rate=0)).fit(topics(), initial=first.vectors_)
    assert barely.vectors_.vectors == pytest.approx(first.vectors_.vectors, abs=1e-3)
    assert barely.vectors_.context == pytest.approx(first.vectors_.context, abs=1e-3)
    assert "did not move" in barely.alarms_[-1].text
    with pytest.raises(UsageError, match="20 dimensions, dimensions is 10"):
        Word2Vec(small(dimensions=10)).fit(topics(), initial=first.vectors_)


def test_numbers_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    vectors = np.ones((1, 20), np.float32)
    vectors[0, 3] = np.nan
    poisoned = WordVectors(["apple"], vectors)
    with pytest.raises(ContentError, match="stopped being finite"):
        Word2Vec(small()).fit(topics(), initial=poisoned, folder=tmp_path / "run", save_seconds=0)
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(words) for words in topics()), "utf-8")
    from_file = Word2Vec(small()).fit(path)
    assert from_file.vectors_.vectors.tobytes() == Word2Vec(small()).fit(topics()).vectors_.vectors.tobytes()


def test_options() -> None:
    table, notes = from_gensim({"vector_size": 50, "sg": 0, "hs": 1, "iter": 3, "alpha": 0.1, "window": 2})
    assert table == {
        "dimensions": 50,
        "model": "cbow",
        "loss": "hierarchical",
        "epochs": 3,
        "learning_rate": 0.1,
        "window": 2,
    }
    assert len(notes) == 5
    assert Word2Vec(Word2VecConfig(window=3), size=7).config == Word2VecConfig(window=3, dimensions=7)
    with pytest.raises(UsageError, match="another name"):
        Word2Vec(size=3, dimensions=4)
    with pytest.raises(UsageError, match="Did you mean window"):
        Word2Vec(windwo=3)
    with pytest.raises(UsageError, match="not trained"):
        _ = Word2Vec().vectors_
    for wrong in ({"dimensions": 0}, {"window": 0}, {"epochs": 0}, {"shared_negatives": 6}, {"sample": -1.0}):
        with pytest.raises(UsageError):
            Word2VecConfig(**wrong)
    assert (Word2VecConfig().rate, Word2VecConfig(model="cbow").rate, Word2VecConfig(learning_rate=0.3).rate) == (
        0.025,
        0.05,
        0.3,
    )
