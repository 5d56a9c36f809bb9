"""What every encoder promises, whatever its generation: a head can be put on any of them without knowing which."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from hornbook.core import artifact
from hornbook.models.bag import encoder_of
from hornbook.models.encoder import TextBatch
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["The cat sat on the mat.", "dog", "", "猫坐在垫子上。 A dog's mat — who sat where? 😀", " \n\t"]
SAMPLE = [text for text in TEXTS if text.strip()] * 3


def bag(tokenizer):
    from hornbook.embeddings.vectors import WordVectors

    words = ["the", "cat", "sat", "on", "mat", "dog", "猫"]
    table = np.random.default_rng(1).normal(size=(len(words), 6)).astype(np.float32)
    return WordVectors(words, table, counts=np.arange(len(words), 0, -1) * 10)


def bag_with_subwords(tokenizer):
    from hornbook.embeddings.subwords import SubwordConfig, Subwords
    from hornbook.embeddings.vectors import WordVectors

    random = np.random.default_rng(2)
    subwords = Subwords(SubwordConfig(min_n=1, max_n=3, buckets=50), random.normal(size=(50, 6)).astype(np.float32))
    return WordVectors(["the", "cat"], random.normal(size=(2, 6)).astype(np.float32), subwords=subwords)


def recurrent(cell, **settings):
    from hornbook.models.rnn import RnnConfig, RnnLM

    return lambda tokenizer: RnnLM(tokenizer, RnnConfig(cell=cell, width=8, layers=2, **settings))


def birnn(tokenizer):
    from hornbook.models.birnn import BiRnn, BiRnnConfig

    return BiRnn(tokenizer, BiRnnConfig(width=8))


def gpt(name):
    def build(tokenizer):
        from hornbook.models.gpt import GptConfig, GptLM
        from hornbook.models.gpt_modern import ModernGptConfig
        from hornbook.models.llama import LlamaConfig

        config = {"gpt2": GptConfig, "modern": ModernGptConfig, "llama": LlamaConfig}[name]
        return GptLM(tokenizer, config(layers=2, width=32, heads=2, context=24))

    return build


def masked(layout):
    def build(tokenizer):
        from hornbook.models.bert import BertConfig
        from hornbook.models.bert_modern import ModernBertConfig
        from hornbook.models.masked import MaskedLM

        if layout == "modernbert":
            return MaskedLM(tokenizer, ModernBertConfig(layers=2, width=32, heads=2, context=24))
        types = 2 if layout == "bert" else 1 if "roberta" in layout else 0
        return MaskedLM(tokenizer, BertConfig(layers=2, width=32, heads=2, context=24, layout=layout, types=types))

    return build


MODELS = {
    "bag": bag,
    "bag with subwords": bag_with_subwords,
    "rnn": recurrent("rnn"),
    "lstm": recurrent("lstm", embedding=6, tied=False),
    "gru": recurrent("gru", embedding=6),
    "birnn": birnn,
    **{name: gpt(name) for name in ("gpt2", "modern", "llama")},
    **{name: masked(name) for name in ("bert", "roberta", "distilbert", "modernbert")},
}
ADDED = {"bag": 0, "bag with subwords": 0, "rnn": 1, "lstm": 1, "gru": 1, "gpt2": 1, "modern": 1, "llama": 1}  # others: 2


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(SAMPLE, TokenizerConfig(kind="bpe", size=300))


@pytest.fixture(scope="module", params=MODELS)
def encoder(request, tokenizer):
    torch.manual_seed(5)
    built = encoder_of(MODELS[request.param](tokenizer), where="model")
    built.added = ADDED.get(request.param, 2)
    if built.added:  # fresh networks whose blocks begin as the identity would hide what attention sees
        with torch.no_grad():
            for weight in built.module.parameters():
                weight.add_(torch.randn_like(weight) * 0.05)
    built.module.eval()
    return built


def test_shapes_and_lengths(encoder) -> None:
    batch = encoder.prepare(TEXTS)
    encoded = encoder.encode(batch)
    longest = int(batch.lengths.max())
    assert batch.ids.shape == batch.documents.shape == (len(TEXTS), longest)
    assert batch.ids.dtype == torch.int64 and batch.documents.dtype == torch.int32
    assert encoded.states.shape == (len(TEXTS), longest, encoder.width)
    assert torch.equal(encoded.lengths, batch.lengths) and int(batch.lengths.min()) >= 1
    assert torch.equal((batch.documents == 0).sum(1), batch.lengths)
    assert torch.isfinite(encoded.states).all()


def test_a_text_has_the_same_states_in_any_company(encoder) -> None:
    together = encoder.encode(encoder.prepare(TEXTS))
    for row, text in enumerate(TEXTS):
        alone = encoder.encode(encoder.prepare([text]))
        length = int(alone.lengths[0])
        torch.testing.assert_close(together.states[row, :length], alone.states[0], atol=2e-6, rtol=1e-5)


def test_offsets_slice_the_raw_text(encoder) -> None:
    batch = encoder.prepare(TEXTS)
    assert batch.offsets is not None
    for text, places, length in zip(TEXTS, batch.offsets, batch.lengths.tolist(), strict=True):
        assert places.shape == (length, 2) and places.dtype == np.int64
        inside = places[places[:, 1] > 0]
        assert (np.diff(inside[:, 0]) >= 0).all() and (inside <= len(text)).all() and (inside[:, 0] < inside[:, 1]).all()
        joined = "".join(text[begin:end] for begin, end in dict.fromkeys(map(tuple, inside.tolist())))
        assert sorted(set(joined)) == sorted(set(text)) or not encoder.added  # words leave marks and blanks out
    words = [TEXTS[0][begin:end].strip() for begin, end in batch.offsets[0].tolist()]
    assert "cat" in words or encoder.added


def test_rows_make_the_same_batch(encoder) -> None:
    texts = ["the cat", ""]
    rows = encoder.rows(texts, offsets=False)
    assert rows.offsets is None
    again, batch = encoder.stack(rows), encoder.prepare(texts)
    assert torch.equal(again.ids, batch.ids) and torch.equal(again.documents, batch.documents)
    bare = TextBatch(batch.ids, batch.documents, batch.lengths)  # what a training has kept of it
    torch.testing.assert_close(encoder.encode(bare).states, encoder.encode(batch).states)


def test_gradients_reach_the_table(encoder) -> None:
    encoder.module.zero_grad()
    batch = encoder.prepare(TEXTS)
    encoder.mean(batch, encoder.encode(batch)).square().sum().backward()
    gradient = encoder.module.embedding.weight.grad
    assert gradient is not None and torch.isfinite(gradient).all() and float(gradient.abs().sum()) > 0


def test_a_mean_forgets_padding_and_differs_between_texts(encoder) -> None:
    batch = encoder.prepare(TEXTS)
    mean = encoder.mean(batch, encoder.encode(batch))
    assert mean.shape == (len(TEXTS), encoder.width) and mean.dtype == torch.float32
    alone = encoder.prepare(TEXTS[:1])
    torch.testing.assert_close(encoder.mean(alone, encoder.encode(alone))[0], mean[0], atol=2e-6, rtol=1e-5)
    assert float((mean[0] - mean[1]).detach().abs().max()) > 1e-4
    assert float(encoder.shares(batch)[batch.documents < 0].abs().sum()) == 0


def test_nothing_and_no_text_at_all(encoder) -> None:
    empty = encoder.prepare([""])
    assert empty.lengths.tolist() == [max(1, encoder.added)]
    assert torch.isfinite(encoder.mean(empty, encoder.encode(empty))).all()
    none = encoder.prepare([])
    assert none.ids.shape[0] == 0 and none.cut == 0


def test_what_is_cut_is_counted(encoder) -> None:
    batch = encoder.prepare(["the cat sat on the mat " * 20, "dog"])
    limited = encoder.context < 1000
    assert batch.cut == int(limited)
    assert int(batch.lengths[0]) == encoder.context if limited else int(batch.lengths[0]) > 100
    if encoder.added == 2:
        assert int(batch.ids[0, int(batch.lengths[0]) - 1]) == encoder.tokenizer.specials["end"]


def test_pairs_are_read_as_one_row(encoder) -> None:
    batch = encoder.prepare([("the cat", "a dog sat"), ("", "dog")])
    encoded = encoder.encode(batch)
    assert encoded.states.shape[:2] == batch.ids.shape and torch.isfinite(encoded.states).all()
    texts = encoder.prepare(["the cat", "a dog sat"]).lengths.sum() - 2 * encoder.added
    between = len(encoder.frame.between)
    assert int(batch.lengths[0]) == int(texts) + encoder.added + between
    if batch.segments is not None:
        second = int(batch.segments[0].sum())
        assert second == int(encoder.prepare(["a dog sat"]).lengths[0]) - encoder.added + 1
    long = encoder.prepare([("the cat sat on the mat " * 9, "dog")])
    if encoder.context < 1000:  # the longer one is cut
        assert long.cut == 1 and int(long.lengths[0]) == encoder.context
        tail = encoder.prepare(["dog"]).ids[0, len(encoder.frame.before) : None if encoder.added < 2 else -1]
        where = slice(encoder.context - len(encoder.frame.after) - len(tail), encoder.context - len(encoder.frame.after))
        assert torch.equal(long.ids[0, where], tail)


def test_device_and_type_are_those_of_the_module(encoder) -> None:
    module = encoder.module
    batch = encoder.prepare(TEXTS)
    wide = encoder.encode(batch).states
    try:
        module.double()
        states = encoder.encode(encoder.prepare(TEXTS)).states
        assert states.dtype == torch.float64
        torch.testing.assert_close(states.float(), wide, atol=1e-4, rtol=1e-3)
    finally:
        module.float()
    assert batch.ids.device == module.embedding.weight.device


def test_a_saved_encoder_opens_again(encoder, tmp_path) -> None:
    import hornbook

    with torch.no_grad():
        encoder.module.embedding.weight[0] += 1  # as trained
    with artifact.writing(tmp_path / "saved") as folder:
        encoder.save_files(folder)
    assert json.loads((tmp_path / "saved" / "config.json").read_text())["model_type"]
    opened = encoder_of(hornbook.load(tmp_path / "saved"), where="saved")
    opened.module.eval()
    batch = encoder.prepare(TEXTS)
    again = opened.prepare(TEXTS)
    assert torch.equal(again.ids, batch.ids)
    torch.testing.assert_close(opened.encode(again).states, encoder.encode(batch).states)


def test_other_models_have_none(tokenizer) -> None:
    from hornbook.core.errors import UsageError
    from hornbook.statistical import NgramConfig, NgramLM

    with pytest.raises(UsageError, match="no states of tokens"):
        encoder_of(NgramLM(tokenizer, NgramConfig(order=2)), where="folder")
