"""Made-up batches cost what real ones do: their shape, their share of hidden tokens, their pairs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hornbook import catalog
from hornbook.compare.noise import MaskedNoiseBatches, NoiseBatches, Vocabulary, noise, zipf_counts
from hornbook.tasks.lessons import objective
from hornbook.tasks.pretrain import resolve


@pytest.mark.parametrize("name", ["rnn", "gpt", "bert", "roberta"])
def test_a_recipe_learns_from_its_noise(name: str) -> None:
    recipe = catalog.recipe(name)
    config = next(iter(recipe.styles.values()))
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, length=24))
    sizes = {"layers": 1, "width": 16, **({} if name == "rnn" else {"heads": 2, "context": 24})}
    model = resolve(recipe.model)(Vocabulary(80), dataclasses.replace(config.model, **sizes))
    batch = noise(recipe, config, rows=4, vocabulary=80).part(0, 0, 1)
    tensors = {
        field.name: torch.from_numpy(value) if isinstance(value := getattr(batch, field.name), np.ndarray) else value
        for field in dataclasses.fields(batch)
    }
    loss, _ = objective(recipe, config, lambda: zipf_counts(80))(model.module, type(batch)(**tensors), None)
    assert batch.inputs.shape == batch.targets.shape == (4, 24) and torch.isfinite(loss.total)
    assert loss.tokens == 4 * 24
    assert (loss.count == 4 * 24) == (recipe.batches != "masked")


def test_masked_noise_hides_its_share_and_pairs_have_labels() -> None:
    plain = MaskedNoiseBatches(200, 64, 90, rate=0.15).part(3, 0, 1)
    assert plain.counted / plain.inputs.size == pytest.approx(0.15, abs=0.015)
    assert set(np.unique(plain.documents)) == {0, 1} and plain.segments is None and plain.labels is None
    paired = MaskedNoiseBatches(20, 64, 90, pairs=True).part(3, 0, 1)
    assert set(np.unique(paired.segments)) == {0, 1} == set(np.unique(paired.labels)) and not paired.documents.any()


def test_noise_is_a_function_of_index_and_rank() -> None:
    batches = NoiseBatches(6, 10, 50)
    assert np.array_equal(batches.part(2, 1, 2).inputs, batches.part(2, 1, 2).inputs)
    assert not np.array_equal(batches.part(2, 1, 2).inputs, batches.part(3, 1, 2).inputs)
    whole = batches.part(2, 0, 1)
    assert whole.inputs.shape == (6, 10) and batches.part(2, 1, 2).inputs.shape == (3, 10)
    assert np.array_equal(whole.inputs[:, 1:], whole.targets[:, :-1]) and whole.inputs.max() < 50
