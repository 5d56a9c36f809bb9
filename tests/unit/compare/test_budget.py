from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook import catalog
from hornbook.compare.budget import TOKENS_PER_WEIGHT, count_weights, effective_tokens, flops_per_token, size_recipe

NETWORKS = [name for name in catalog.RECIPES if catalog.recipe(name).batches is not None]


def sized(name: str, seconds: float, corpus_tokens: int = 10_000_000, flops: float = 2e11):  # type: ignore[no-untyped-def]
    recipe = catalog.recipe(name)
    config = next(iter(recipe.styles.values()))
    return size_recipe(
        recipe,
        config,
        seconds=seconds,
        corpus_tokens=corpus_tokens,
        vocabulary=8192,
        speed=lambda candidate: flops / flops_per_token(candidate.model, 8192),
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_longer_budget_never_buys_a_smaller_model(name: str) -> None:
    sizes = [sized(name, seconds).parameters for seconds in (1, 10, 60, 600, 3600, 36000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_rule_holds_for_the_chosen_shape(name: str) -> None:
    sizing = sized(name, 600)
    weights, _ = count_weights(sizing.config.model, 8192)
    assert effective_tokens(sizing.tokens, 10_000_000) >= TOKENS_PER_WEIGHT[name] * weights
    assert sizing.config.training.seconds == 600


@pytest.mark.parametrize("name", NETWORKS)
def test_little_text_limits_the_model_whatever_the_time(name: str) -> None:
    assert sized(name, 36000, corpus_tokens=300_000).parameters < sized(name, 36000).parameters


def test_twice_the_machine_is_twice_the_time() -> None:
    assert sized("gpt", 1200).tokens == sized("gpt", 600, flops=4e11).tokens


@given(st.floats(1, 1e9), st.floats(1, 1e9))
def test_repeated_text_is_worth_less_but_never_harms(tokens: float, unique: float) -> None:
    worth = effective_tokens(tokens, unique)
    assert worth <= tokens * (1 + 1e-12)
    assert worth <= 16 * unique * (1 + 1e-12)
    assert effective_tokens(2 * tokens, unique) >= worth


def test_repetition_by_hand() -> None:
    # Muennighoff et al. 2023, equation 5 with R* = 15: four passes are three repetitions, 15 (1 - e^-0.2) = 2.719
    assert effective_tokens(4.0, 1.0) == pytest.approx(1 + 15 * (1 - math.exp(-0.2)))
    assert effective_tokens(4.0, 1.0) == pytest.approx(3.719, abs=1e-3)
