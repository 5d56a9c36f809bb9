from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Finished, Note, Progress, Saved, Step
from hornbook.embeddings import glove, glove_training
from hornbook.embeddings.glove import Glove, GloveConfig
from hornbook.embeddings.glove_tiles import side_by_side
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.words import VocabularyConfig, read_sentences


def corpus(sentences: int = 600, seed: int = 0) -> list[list[str]]:
    """Sentences of one of two subjects, with a few words common to both and now and then a word of the other."""
    generator = np.random.default_rng(seed)
    words = {subject: [f"{subject}{i}" for i in range(20)] for subject in ("sea", "law")}
    made = []
    for i in range(sentences):
        own, other, common = words["sea" if i % 2 else "law"], words["law" if i % 2 else "sea"], ["the", "of", "a"]
        kinds = [common if j % 3 == 0 else own if generator.random() < 0.9 else other for j in range(12)]
        made.append([str(generator.choice(kind)) for kind in kinds])
    return made


def small(**options: Any) -> GloveConfig:
    return GloveConfig(**{"dimensions": 12, "window": 5, "epochs": 6, "threads": 1, **options})


def digest(model: Glove) -> str:
    return hashlib.sha256(model.vectors_.vectors.tobytes()).hexdigest()


def test_words_of_one_subject_end_near_each_other() -> None:
    model = Glove(small(epochs=15)).fit(corpus())
    vectors = model.vectors_
    assert vectors.vectors.shape == (43, 12) and vectors.vectors.dtype == np.float32
    within = [vectors.similarity("sea1", f"sea{i}") for i in range(2, 20)]
    across = [vectors.similarity("sea1", f"law{i}") for i in range(20)]
    assert np.mean(within) > np.mean(across) + 0.2
    assert model.losses_[-1] < 0.5 * model.losses_[0] and model.loss_ == model.losses_[-1]
    assert vectors.counts is not None and vectors.counts[0] == vectors.counts.max()
    assert vectors.facts["trainer"] == "glove" and vectors.facts["learning_rate"] == 0.5
    assert model.tokens_seen_ == 600 * 12 and not model.alarms_


@pytest.mark.parametrize("options", [{"symmetric": False}, {"adagrad": "element"}, {"dimensions": 1}, {"dimensions": 17}])
def test_variants_learn(options: dict[str, Any]) -> None:
    model = Glove(small(**options)).fit(corpus())
    assert model.losses_[-1] < 0.7 * model.losses_[0]
    assert np.isfinite(model.vectors_.vectors).all()


@pytest.mark.parametrize("symmetric", [True, False])
def test_threads_and_memory_do_not_change_a_bit(symmetric: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five threads, and co-occurrences that do not fit into memory, give the bytes of one thread in memory."""
    text = tmp_path / "text.txt"
    text.write_text("".join(" ".join(sentence) + "\n" for sentence in corpus()), "utf-8")
    expected = digest(Glove(small(symmetric=symmetric)).fit(text))
    assert digest(Glove(small(symmetric=symmetric, threads=5)).fit(corpus())) == expected
    monkeypatch.setattr(glove, "_LEAST_MEMORY", 1)
    notes: list[Event] = []
    spilled = Glove(small(symmetric=symmetric, threads=2, memory_mb=1)).fit(text, log=notes.append)
    assert any("temporary file" in event.text for event in notes if isinstance(event, Note))
    assert digest(spilled) == expected
    assert digest(Glove(small(symmetric=symmetric, seed=2)).fit(text)) != expected


def test_a_prepared_corpus_gives_the_same_vectors() -> None:
    prepared = read_sentences(corpus(), VocabularyConfig(min_count=5), log=lambda event: None)
    assert digest(Glove(small()).fit(prepared)) == digest(Glove(small()).fit(corpus()))


def test_tiles_trained_side_by_side_share_no_block() -> None:
    for blocks in (2, 8, 14):
        rounds = side_by_side(blocks)
        tiles = [tile for groups in rounds for group in groups for tile in group]
        assert sorted(tiles) == list(range(blocks * blocks))
        for groups in rounds:
            owned = [block for group in groups for block in {part for tile in group for part in divmod(tile, blocks)}]
            assert len(owned) == len(set(owned))


def test_the_loss_is_that_of_equation_8() -> None:
    """With a rate too small to move anything, against the sum over all pairs in float64."""
    from hornbook.embeddings.cooccurrence import count_cooccurrences
    from hornbook.embeddings.glove_tiles import lay_out

    vocabulary, sentences = read_sentences(corpus(), VocabularyConfig(), log=lambda event: None)
    config = small(learning_rate=1e-30, epochs=1, x_max=20.0)
    model = Glove(config).fit((vocabulary, sentences))
    matrix = count_cooccurrences(sentences.ids, sentences.starts, len(vocabulary), window=5)
    tiles = lay_out(matrix, word_bytes=glove_training.word_bytes(config), folder=None)
    start = glove_training.start(config, vocabulary, tiles, None)
    vectors = start.vectors[start.place].astype(np.float64)
    rows = np.repeat(np.arange(len(matrix)), np.diff(matrix.starts))
    i, j = np.concatenate([rows, matrix.columns]), np.concatenate([matrix.columns, rows]).astype(int)
    x = np.tile(matrix.values.astype(np.float64), 2)
    keep = np.ones(i.size, dtype=bool)
    keep[rows.size :] = rows != matrix.columns  # a word beside itself is one pair
    error = (vectors[i, 0] * vectors[j, 1]).sum(axis=1) - np.log(x)
    expected = (np.minimum(1, x / 20) ** 0.75 * error**2)[keep].sum() / keep.sum()
    assert keep.sum() == matrix.pairs == model.pairs_
    assert model.loss_ == pytest.approx(expected, rel=1e-5)


def test_events_tell_every_epoch(tmp_path: Path) -> None:
    events: list[Event] = []
    Glove(small(epochs=3)).fit(corpus(), log=events.append, folder=tmp_path / "run")
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == [8, 16, 24]  # eight blocks: eight rounds an epoch
    assert steps[0].loss > steps[2].loss > 0 and steps[2].tokens == 3 * steps[0].tokens
    assert steps[2].tokens_per_second > 0 and steps[2].learning_rate == 0.5
    assert sum(isinstance(event, Saved) for event in events) == 3
    stages = {event.stage for event in events if isinstance(event, Progress)}
    assert stages >= {"counting co-occurrences", "training vectors"}
    assert isinstance(events[-1], Finished)


class Stop(Exception):
    """Raised by a listener, as an interrupt would be."""


def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    whole = Glove(small()).fit(corpus())
    for stage in ("epoch", "middle"):
        folder = tmp_path / stage

        def stop(event: Event, stage: str = stage) -> None:
            if (isinstance(event, Saved) if stage == "epoch" else isinstance(event, Step)) and event.step >= 16:
                raise Stop

        with pytest.raises(Stop):
            Glove(small()).fit(corpus(), log=stop, folder=folder)
        steps: list[Event] = []
        resumed = Glove(small(threads=3)).fit(corpus(), log=steps.append, folder=folder, resume=True)
        assert next(event.step for event in steps if isinstance(event, Step)) == 24
        assert digest(resumed) == digest(whole) and resumed.losses_ == whole.losses_
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    longer = Glove(small(epochs=8)).fit(corpus(), folder=tmp_path / "epoch", resume=True)
    assert digest(longer) == digest(Glove(small(epochs=8)).fit(corpus()))


def test_resuming_other_work_is_refused(tmp_path: Path) -> None:
    Glove(small(epochs=1)).fit(corpus(), folder=tmp_path / "run")
    with pytest.raises(UsageError, match="window was 5 and is 4"):
        Glove(small(window=4)).fit(corpus(), folder=tmp_path / "run", resume=True)
    with pytest.raises(UsageError, match="corpus was"):
        Glove(small()).fit(corpus(seed=1), folder=tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path) -> None:
    """P3: the newest checkpoint has one bit flipped; the one before it is used and the result is the same."""
    folder = tmp_path / "run"
    Glove(small(epochs=4)).fit(corpus(), folder=folder)
    newest = max(folder.glob("round-*"), key=lambda path: int(path.name.split("-")[1]))
    data = bytearray((newest / "model.safetensors").read_bytes())
    data[-7] ^= 4
    (newest / "model.safetensors").write_bytes(bytes(data))
    resumed = Glove(small()).fit(corpus(), folder=folder, resume=True)
    assert len(resumed.alarms_) == 1 and f"bad-{newest.name}" in resumed.alarms_[0].text
    assert digest(resumed) == digest(Glove(small()).fit(corpus()))


def test_given_vectors_are_where_training_begins() -> None:
    given = WordVectors(["sea1", "law1"], np.arange(24, dtype=np.float32).reshape(2, 12))
    model = Glove(small(epochs=1, learning_rate=1e-9)).fit(corpus(), initial=given)
    for word in given.index_to_key:
        assert np.abs(model.vectors_[word] - given[word]).max() <= 1 / 12 + 1e-6
    assert any("did not move" in alarm.text for alarm in model.alarms_)
    with pytest.raises(UsageError, match="12 dimensions"):
        Glove(small(dimensions=13)).fit(corpus(), initial=given)


def test_alarms_of_a_training_that_learned_nothing() -> None:
    model = Glove(small(learning_rate=1e-9)).fit(corpus())
    assert [alarm.text.split(":")[0] for alarm in model.alarms_][-2:] == ["the vectors did not move", "the loss did not fall"]
    two = [["the", "cat", "sat"], ["the", "dog", "sat"]]
    model = Glove(small(min_count=1)).fit(two)
    assert "2.5 meetings for each word are too few" in model.alarms_[0].text  # 2 * 2 * (1 + 1 + 1 / 2) / 4 words


@pytest.mark.parametrize("rate", [5.0, 1e3, 1e6, 1e30])
def test_no_rate_makes_vectors_that_are_not_finite(rate: float) -> None:
    """P6: either the vectors are finite, or nothing is given and the error names epoch and rate."""
    model = Glove(small(learning_rate=rate))
    try:
        model.fit(corpus())
    except ContentError as error:
        assert "stopped being finite in epoch" in str(error) and f"{rate}" in str(error)
        with pytest.raises(UsageError, match="not trained"):
            _ = model.vectors_
        return
    assert np.isfinite(model.vectors_.vectors).all() and rate < 1e30


def test_corpora_without_company_are_refused() -> None:
    with pytest.raises(ContentError, match="the vocabulary has 1 words"):
        Glove(small(min_count=1)).fit([["one"] * 9])
    with pytest.raises(ContentError, match="no sentence has two words"):
        Glove(small(min_count=1)).fit([["one"], ["two"]])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dimensions": 0}, "dimensions = 0: at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate = nan"),
        ({"alpha": float("inf")}, "alpha = inf"),
        ({"x_max": 0.0}, "x_max = 0.0"),
        ({"windw": 3}, "Did you mean window"),
        ({"adagrad": "rows"}, "adagrad"),
    ],
)
def test_wrong_settings_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Glove(**options)


def test_a_window_beyond_one_byte_is_refused() -> None:
    with pytest.raises(UsageError, match="choose 1 to 255 words"):
        Glove(small(window=256)).fit(corpus())


def test_names_of_gensim_are_understood() -> None:
    notes: list[Event] = []
    model = Glove(vector_size=7, workers=1, epochs=1).fit(corpus(), log=notes.append)
    assert model.vectors_.vector_size == 7
    assert sum("is called" in event.text for event in notes if isinstance(event, Note)) == 2


def test_glove_needs_no_torch() -> None:
    code = "import hornbook.embeddings.glove, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


MEMORY_CHILD = """
import sys
from pathlib import Path
from hornbook.core.runtime import peak_rss_mb, prepare
prepare(2)
from hornbook.embeddings.glove import Glove, GloveConfig
notes = []
model = Glove(GloveConfig(epochs=1, memory_mb=500, threads=2)).fit(Path(sys.argv[1]), log=notes.append)
print(len(model.vectors_.index_to_key), model.pairs_, any("temporary file" in str(note) for note in notes), peak_rss_mb())
"""


@pytest.mark.slow
def test_ten_million_words_stay_below_500_mb(tmp_path: Path) -> None:
    """R4: co-occurrences need not fit in memory. The whole process is measured: interpreter, compiler, words, vectors."""
    generator, text = np.random.default_rng(1), tmp_path / "text.txt"
    shares = np.cumsum(1 / (np.arange(60_000) + 2.7))  # Zipf's law as Mandelbrot has it
    with open(text, "w", encoding="ascii") as file:
        for _ in range(100):
            words = np.searchsorted(shares, generator.random((4000, 25)) * shares[-1])
            file.writelines(" ".join(f"w{word}" for word in sentence) + "\n" for sentence in words.tolist())
    child = subprocess.run([sys.executable, "-c", MEMORY_CHILD, str(text)], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    words, pairs, spilled, peak = child.stdout.split()
    assert int(words) > 30_000 and int(pairs) > 10_000_000 and spilled == "True"
    assert float(peak) < 500, peak
