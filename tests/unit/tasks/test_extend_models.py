"""A network with new tokens: states of old texts stay, new rows are means, folders open here and in transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hornbook import load
from hornbook.api import train_on
from hornbook.core import artifact
from hornbook.core.config import to_toml
from hornbook.models.bert import BertConfig
from hornbook.models.gpt import GptConfig, GptLM
from hornbook.models.masked import MaskedLM
from hornbook.models.rnn import RnnConfig, RnnLM
from hornbook.tasks.extend import grown
from hornbook.tokenizers import TokenizerConfig, train_tokenizer
from hornbook.tokenizers.extend import extend, propose

OLD = "the cat sat on the mat and the dog sat on the log.\n\nwas it not so? it was so indeed.\n\n" * 40
SENTENCES = ("服务器运行命令，我们重启服务器。", "集群里的容器使用这个命令。", "我们使用集群。")
NEW = "\n\n".join(SENTENCES[index % 3] + SENTENCES[(index * 7 + 1) % 3] + f"第{index}个容器。" for index in range(400))
TOKENIZER = train_tokenizer([OLD], TokenizerConfig(kind="bpe", size=400))
TOKENS = propose(TOKENIZER, [NEW], count=20)
LARGER = extend(TOKENIZER, TOKENS)
PIECES = {TOKENIZER.size + index: token.pieces for index, token in enumerate(TOKENS)}
MODELS = {
    "gpt": lambda: GptLM(TOKENIZER, GptConfig(layers=1, width=32, context=64)),
    "gpt-untied": lambda: GptLM(TOKENIZER, GptConfig(layers=1, width=32, context=64, tied=False)),
    "bert": lambda: MaskedLM(TOKENIZER, BertConfig(layers=1, width=32, context=64)),
    "roberta": lambda: MaskedLM(TOKENIZER, BertConfig(layers=1, width=32, context=64, layout="roberta", tied=False)),
    "lstm": lambda: RnnLM(TOKENIZER, RnnConfig(cell="lstm", layers=1, width=32)),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(1)
    made = MODELS[request.param]()
    for weight in made.module.parameters():  # biases too, which begin as zeros
        torch.nn.init.normal_(weight, std=0.3)
    made.module.eval()
    return made


def test_new_rows_are_means_and_all_else_is_kept(model: Any) -> None:
    larger = grown(model, LARGER, PIECES)
    assert larger.vocabulary == LARGER.size
    for table in ("embedding.weight", "output_weight", "output_bias"):
        old, new = model.module, larger.module
        for part in table.split("."):
            old, new = getattr(old, part), getattr(new, part)
        if old is None:
            continue
        torch.testing.assert_close(new[: TOKENIZER.size], old)
        for number, pieces in PIECES.items():
            torch.testing.assert_close(new[number], old[list(pieces)].mean(dim=0))


def test_states_of_a_text_without_new_tokens_are_equal_and_scores_among_old_tokens(model: Any) -> None:
    larger = grown(model, LARGER, PIECES)
    ids = TOKENIZER.encode("the dog sat on the mat.")
    np.testing.assert_array_equal(LARGER.encode("the dog sat on the mat."), ids)
    if isinstance(model, MaskedLM):
        old, new = model.masked_log_probs([ids], [2]), larger.masked_log_probs([ids], [2])
    else:
        (old, _), (new, _) = model.start([ids]), larger.start([ids])
    among = new[:, : TOKENIZER.size]
    among = among - np.log(np.exp(among.astype(np.float64)).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(among, old, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt", "bert"])
def test_a_saved_one_opens_in_transformers_with_equal_logits(name: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    larger = grown(MODELS[name](), LARGER, PIECES)
    larger.save_files(tmp_path)
    kind = transformers.AutoModelForCausalLM if name == "gpt" else transformers.AutoModelForMaskedLM
    other = kind.from_pretrained(tmp_path).eval()
    ids = torch.tensor([LARGER.encode("我们使用服务器 the cat").tolist()])
    assert int(ids.max()) >= TOKENIZER.size
    with torch.no_grad():
        states = larger.module(ids)
        states = states[0] if isinstance(states, tuple) else states
        if name == "bert":
            states = larger.module.transform(states)
        logits = states @ larger.module.output_weight.T
        bias = larger.module.output_bias
        logits = logits if bias is None else logits + bias
        torch.testing.assert_close(other(ids).logits, logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["gpt", "roberta"])
def test_training_on_with_new_tokens(name: str, tmp_path: Path) -> None:
    from hornbook.recipes.continued import continued

    made = MODELS[name]()
    with artifact.writing(tmp_path / "old") as folder:
        made.save_files(folder)
        (folder / "recipe.toml").write_text(to_toml(continued(made.config)[1]), "utf-8")
    (tmp_path / "new.txt").write_text(NEW, "utf-8")
    told: list[str] = []
    result = train_on(
        tmp_path / "old",
        [tmp_path / "new.txt"],
        tmp_path / "model",
        new_tokens=25,
        overrides={"training.steps": 3, "training.rows": 4, "training.length": 32},
        log=lambda event: told.append(str(getattr(event, "text", ""))),
    )
    assert 0 < result["new_tokens"] <= 25
    assert result["held_out_tokens_after"] < 0.7 * result["held_out_tokens_before"]
    assert result["trigram_after"] < result["trigram_before"]
    best = result["new_tokens_best"][0]
    assert any("new tokens" in text and f"{best['text']!r} {best['saved']:,}" in text for text in told)
    opened = load(tmp_path / "model")
    assert opened.tokenizer.size == made.tokenizer.size + result["new_tokens"] == opened.vocabulary
    assert opened.tokenizer.decode(opened.tokenizer.encode(SENTENCES[0])) == SENTENCES[0]
    run = json.loads((tmp_path / "model" / "run.json").read_text("utf-8"))
    assert run["start"] == str(tmp_path / "old")
    assert run["new_tokens_best"][0]["saved"] > 0
