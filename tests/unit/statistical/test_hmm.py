from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hornbook.tokenizers
from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.events import Event, Step
from hornbook.statistical.hmm import IMPOSSIBLE, HmmConfig, HmmLM
from ids_only import IdsOnly

SIZE = 30
SMALL = HmmConfig(states=3, iterations=6, tolerance=0.0, emission_prior=2.0)


def dense(model: HmmLM) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start (S,), transition (S, S) and emission (V, S) in float64, without padding."""
    tables, real = model.tables_, slice(model.config.states)
    return tuple(a.astype(np.float64) for a in (tables.start[real], tables.transition[real, real], tables.emission[:, real]))


def brute_force(model: HmmLM, ids: list[int]) -> float:
    """Probability of a sequence: the sum over every path of states."""
    start, transition, emission = dense(model)
    total = 0.0
    for path in itertools.product(range(start.size), repeat=len(ids)):
        moves = math.prod(transition[a, b] for a, b in itertools.pairwise(path))
        total += start[path[0]] * moves * math.prod(emission[w, s] for w, s in zip(ids, path))
    return total


@pytest.fixture(scope="module")
def documents() -> list[np.ndarray]:
    random = np.random.default_rng(7)
    return [6 + random.zipf(1.5, size=random.integers(0, 30)) % 20 for _ in range(200)]


@pytest.fixture(scope="module")
def model(documents: list[np.ndarray]) -> HmmLM:
    return HmmLM(IdsOnly(SIZE), SMALL).fit(documents)


@pytest.mark.parametrize("ids", [[], [7], [7, 9, 6], [9, 9, 9, 20, 6, 7]], ids=str)
def test_forward_equals_the_sum_over_all_paths(model: HmmLM, ids: list[int]) -> None:
    (scores,) = model.log_probs([np.array(ids, dtype=int)])
    assert scores.sum(dtype=np.float64) == pytest.approx(math.log(brute_force(model, [*ids, 3])), abs=1e-4)


def test_scores_go_on_through_an_impossible_id(model: HmmLM) -> None:
    pad = model.tokenizer.specials["pad"]
    (scores,) = model.log_probs([np.array([7, pad, 8])])
    assert scores[1] == np.float32(IMPOSSIBLE) and (scores[[0, 2, 3]] > -30).all()
    first, state = model.start([[7]])
    assert first[0, pad] == np.float32(IMPOSSIBLE)
    after, _ = model.step(state, np.array([pad]))
    assert after[0, 8] == pytest.approx(scores[2], abs=1e-5)


def test_every_distribution_sums_to_one(model: HmmLM, documents: list[np.ndarray]) -> None:
    scores, _ = model.start([document[:n] for n, document in enumerate(documents[:30])])
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-6)
    assert (scores[:, 29] > -20).all()  # never seen, never impossible


@pytest.mark.parametrize("prior", [0.0, 5.0])
def test_baum_welch_never_decreases(documents: list[np.ndarray], prior: float) -> None:
    config = HmmConfig(states=5, iterations=40, tolerance=0.0, emission_prior=prior, transition_prior=prior)
    model = HmmLM(IdsOnly(SIZE), config).fit(documents)
    steps = np.diff(model.objectives_)
    assert len(steps) == 39 and steps.min() > -1e-4 * len(documents) and model.objectives_[-1] > model.objectives_[0] + 50
    if prior == 0:
        assert model.objectives_ == model.log_likelihoods_


def test_one_iteration_equals_the_formulas(documents: list[np.ndarray]) -> None:
    """Expected counts in float64 logs (Rabiner 1989, equations 40a to 40c) against the float32 kernel."""
    from hornbook.sequences import posteriors

    one = HmmLM(IdsOnly(SIZE), HmmConfig(states=4, iterations=1, tolerance=0.0, emission_prior=0, transition_prior=0)).fit(
        documents
    )
    two = HmmLM(IdsOnly(SIZE), HmmConfig(states=4, iterations=2, tolerance=0.0, emission_prior=0, transition_prior=0)).fit(
        documents
    )
    tokens = np.concatenate([np.append(document, 3) for document in documents])
    _, starts, chain = one._scores([np.append(document, 3) for document in documents])
    with np.errstate(divide="ignore"):
        result = posteriors(np.log(dense(one)[2])[tokens], starts, chain)
    start, transition, emission = dense(two)
    expected = np.zeros((SIZE, 4))
    np.add.at(expected, tokens, result.marginals)
    np.testing.assert_allclose(start, result.marginals[starts[:-1]].sum(axis=0) / len(documents), atol=1e-5)
    np.testing.assert_allclose(transition, result.transitions / result.transitions.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(emission, expected / expected.sum(axis=0), atol=1e-5)
    assert two.log_likelihoods_[1] == pytest.approx(result.log_partition.sum(), rel=1e-6)


def test_threads_agree_and_the_same_number_gives_the_same_bytes(documents: list[np.ndarray]) -> None:
    def trained(threads: int) -> HmmLM:
        return HmmLM(IdsOnly(SIZE), HmmConfig(states=3, iterations=5, threads=threads)).fit(documents)

    first, again, single = trained(2), trained(2), trained(1)
    np.testing.assert_array_equal(first.tables_.emission, again.tables_.emission)
    np.testing.assert_allclose(first.tables_.emission, single.tables_.emission, atol=1e-4)


@pytest.mark.parametrize(
    "lengths", [[1], [0, 5, 0], [*range(40), *range(40)], [9] * 33, [70_000] * 6 + [3]], ids=lambda all: str(len(all))
)
def test_sequences_in_lockstep_count_like_one_after_the_other(model: HmmLM, lengths: list[int]) -> None:
    """Ragged batches, batches that are not full, and documents so long that few go together; one impossible id among them."""
    from hornbook.statistical.baum_welch import _by_length
    from hornbook.statistical.hmm_kernels import expect

    tables = model.tables_
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = np.random.default_rng(2).integers(6, 26, starts[-1]).astype(np.int32)
    tokens[tokens.size // 2 : tokens.size // 2 + 1] = model.tokenizer.specials["pad"]

    def counted(groups: list[np.ndarray]) -> list[np.ndarray]:
        counts = [np.zeros(tables.padded), np.zeros((tables.padded, tables.padded)), np.zeros_like(tables.emission)]
        backwards = np.ascontiguousarray(tables.transition.T)
        sums = [
            expect(tokens, starts, group, tables.start, tables.transition, backwards, tables.emission, *counts)
            for group in groups
        ]
        return [*counts, np.sum(sums, axis=0)]

    together = _by_length(starts, 0, len(lengths))
    for one, other in zip(counted([together]), counted([together[i : i + 1] for i in range(together.size)]), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=1e-5)


def test_restarts_keep_the_best(documents: list[np.ndarray]) -> None:
    def objective(restarts: int, seed: int) -> float:
        config = HmmConfig(states=4, iterations=3, restarts=restarts, restart_iterations=3, seed=seed, tolerance=0.0)
        return HmmLM(IdsOnly(SIZE), config).fit(documents).objectives_[2]

    assert objective(6, 1) > objective(1, 1)


def test_training_stops_when_it_gains_nothing(documents: list[np.ndarray]) -> None:
    model = HmmLM(IdsOnly(SIZE), HmmConfig(states=2, iterations=500, tolerance=1e-3)).fit(documents)
    assert 2 <= len(model.objectives_) < 100
    short = HmmLM(IdsOnly(SIZE), HmmConfig(states=2, iterations=500, tolerance=0.0)).fit(documents, seconds=0.0)
    assert len(short.objectives_) == 1


@pytest.mark.parametrize("texts", [[], [[]], [[7]], [[7, 7, 7]], [[7]] * 4], ids=str)
def test_the_smallest_texts_train(texts: list[list[int]]) -> None:
    model = HmmLM(IdsOnly(SIZE), SMALL).fit([np.array(text, dtype=int) for text in texts])
    scores, _ = model.start([[], [7, 29]])
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(model.log_probs([np.array([7, 8, 9])])[0]).all()


def test_labelled_counts() -> None:
    """Two documents, states 0 and 1: a|0 b|1 a|0 end|0 and b|1 end|1."""
    config = HmmConfig(states=2, emission_prior=0.0, transition_prior=0.0)
    model = HmmLM(IdsOnly(SIZE), config).fit_labelled([np.array([10, 11, 10]), np.array([11])], [[0, 1, 0], [1]])
    start, transition, emission = dense(model)
    np.testing.assert_allclose(start, [1 / 2, 1 / 2])
    np.testing.assert_allclose(transition, [[1 / 2, 1 / 2], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(emission[[10, 11, 3]], [[2 / 3, 0], [0, 2 / 3], [1 / 3, 1 / 3]], rtol=1e-6)
    assert [path.tolist() for path in model.viterbi([[10, 11], [], [11]])] == [[0, 1], [], [1]]
    with pytest.raises(ValueError, match="one state a token"):
        model.fit_labelled([np.array([10])], [[0, 1]])
    with pytest.raises(ContentError, match="outside"):
        model.fit_labelled([np.array([10])], [[2]])


def test_posteriors_are_distributions_and_agree_with_viterbi_where_sure(model: HmmLM) -> None:
    paths, shares = model.viterbi([[7, 8, 9], [6]]), model.posteriors([[7, 8, 9], [6]])
    assert [len(path) for path in paths] == [3, 1] == [len(share) for share in shares]
    np.testing.assert_allclose(np.concatenate(shares).sum(axis=1), 1)
    for path, share in zip(paths, shares):
        sure = share.max(axis=1) > 0.9
        np.testing.assert_array_equal(share.argmax(axis=1)[sure], path[sure])


def test_training_goes_on_from_its_checkpoint_to_the_same_bytes(documents: list[np.ndarray], tmp_path: Path) -> None:
    config = HmmConfig(states=3, iterations=8, tolerance=0.0)
    whole = HmmLM(IdsOnly(SIZE), config).fit(documents)
    folder = tmp_path / "checkpoint"
    HmmLM(IdsOnly(SIZE), HmmConfig(states=3, iterations=3, tolerance=0.0)).fit(documents, folder=folder)
    events: list[Event] = []
    resumed = HmmLM(IdsOnly(SIZE), config).fit(documents, folder=folder, resume=True, log=events.append)
    assert [event.step for event in events if isinstance(event, Step)] == [4, 5, 6, 7, 8]
    assert resumed.objectives_ == whole.objectives_
    np.testing.assert_array_equal(resumed.tables_.emission, whole.tables_.emission)
    for other, text in ((HmmConfig(states=3, seed=2), documents), (config, documents[1:])):
        with pytest.raises(UsageError, match="another training"):
            HmmLM(IdsOnly(SIZE), other).fit(text, folder=folder, resume=True)
    with pytest.raises(UsageError, match="folder"):
        HmmLM(IdsOnly(SIZE), config).fit(documents, resume=True)
    fresh = HmmLM(IdsOnly(SIZE), config).fit(documents, folder=tmp_path / "none yet", resume=True)
    np.testing.assert_array_equal(fresh.tables_.emission, whole.tables_.emission)


@pytest.fixture
def saved(model: HmmLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    return tmp_path / "model"


def test_loaded_model_is_the_saved_one(model: HmmLM, saved: Path) -> None:
    artifact.verify(saved)
    again = HmmLM.load(saved)
    assert again.config == model.config and again.objectives_ == model.objectives_ and again.parameters == model.parameters
    np.testing.assert_array_equal(again.start([[7, 8]])[0], model.start([[7, 8]])[0])


def change_record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**record, **changes}))

    return change


def change_tensor(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name] = edit(tensors[name])
        save_file(tensors, folder / "model.safetensors")

    return change


def rewrite(edit: Callable[[bytes], bytes], name: str = "model.safetensors") -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes())) and None


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "configuration missing": lambda folder: (folder / "config.json").unlink(),
    "weights empty": rewrite(lambda data: b""),
    "weights cut": rewrite(lambda data: data[:-100]),
    "weights longer": rewrite(lambda data: data + b"x"),
    "header of 2^63 bytes": rewrite(lambda data: (2**63).to_bytes(8, "little") + data[8:]),
    "header is a list": rewrite(lambda data: (2).to_bytes(8, "little") + b"[]"),
    "configuration is no JSON": rewrite(lambda data: data[:-9], "config.json"),
    "configuration is a list": rewrite(lambda data: b"[]", "config.json"),
    "other model type": change_record(model_type="gpt2"),
    "extra key": change_record(extra=1),
    "a vocabulary of 2^61": change_record(vocabulary=2**61),
    "a negative vocabulary": change_record(vocabulary=-1),
    "true as a number": change_record(tokens=True),
    "other states": change_record(config={"states": 4}),
    "4096 states": change_record(config={"states": 4096}),
    "unknown configuration key": change_record(config={"stats": 4}),
    "a probability that is no number": change_tensor("emission", lambda a: a * np.float32("nan")),
    "negative probabilities": change_tensor("transition", lambda a: -a),
    "a row that sums to 2": change_tensor("start", lambda a: 2 * a),
    "another type": change_tensor("emission", lambda a: a.astype(np.float64)),
    "another shape": change_tensor("emission", lambda a: a.T.copy()),
    "another tokenizer": lambda folder: IdsOnly(SIZE + 1).save_pretrained(folder),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line_that_names_the_file(saved: Path, damage: Callable[[Path], None]) -> None:
    damage(saved)
    with pytest.raises(HornbookError) as caught:
        HmmLM.load(saved)
    assert str(saved) in str(caught.value) and "\n" not in str(caught.value)


def test_tables_beyond_the_memory_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from hornbook.core import runtime
    from hornbook.statistical.memory import baum_welch_mb

    config = HmmConfig(states=4096, threads=2)
    assert baum_welch_mb(4096, 200_000, np.array([10]), restarts=1, threads=2) > 5 * 200_000 * 4096 * 4e-6
    with pytest.raises(UsageError, match="10000000 ids take .* MB to train, of .*: lower states") as caught:
        HmmLM(IdsOnly(10_000_000), config).fit([np.array([7, 8])])
    assert "\n" not in str(caught.value)
    assert runtime.rss_mb() < 2000  # nothing of that size was made
    monkeypatch.setattr("hornbook.statistical.memory.total_memory_mb", lambda: 1.0)
    with pytest.raises(UsageError, match="lower states"):
        HmmLM(IdsOnly(SIZE), SMALL).fit([np.array([7, 8])])


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"states": 0}, {"iterations": 0}, {"tolerance": -1.0}, {"emission_prior": float("nan")}, {"restarts": 0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            HmmConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not trained"):
        HmmLM(IdsOnly(SIZE)).start([[]])


@pytest.mark.parametrize("number", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_never_crash(saved: Path, number: int) -> None:
    """Damaged files: refused in one line, or loaded and scored within bounds (the manifest catches the rest)."""
    random = np.random.default_rng(13)
    names = ("model.safetensors", "config.json")
    whole = {name: (saved / name).read_bytes() for name in names}
    refused = 0
    for i in range(number):
        name = names[i % 2]
        data = bytearray(whole[name])
        limit = min(len(data), 300) if i % 4 < 2 else len(data)
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(limit))] = int(random.integers(256))
        if i % 5 == 0:
            del data[int(random.integers(len(data))) :]
        (saved / name).write_bytes(data)
        try:
            assert np.isfinite(HmmLM.load(saved).log_probs([np.array([7, 8, 20])])[0]).all()
        except HornbookError as error:
            assert "\n" not in str(error)
            refused += 1
        (saved / name).write_bytes(whole[name])
    assert refused > number / 2
