"""The Llama layout: transformers' folders open here and ours there, with equal logits and equal texts."""

import json

import numpy as np
import pytest
import torch

from hornbook.core.errors import ContentError
from hornbook.models.gpt import GptLM
from hornbook.models.llama import LlamaConfig
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the cat sat on the mat and the dog sat on the cat", "a dog and a cat and a mat", "mats are for cats and dogs"]
SIZES = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 80,
    "max_position_embeddings": 64,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
THEIRS = {
    "plain": {},
    "tied": {"tie_word_embeddings": True},
    "grouped": {"num_key_value_heads": 2, "rms_norm_eps": 1e-5},
    "one key head of another size": {"num_key_value_heads": 1, "head_dim": 16},
    "base": {"rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}},
    "stretched": {"num_key_value_heads": 2, "rope_parameters": LLAMA3},
}
OURS = {
    "tied": LlamaConfig(layers=3, width=64, heads=4, context=32),
    "grouped": LlamaConfig(layers=2, width=64, heads=4, key_heads=2, context=32, inner=100, tied=False),
    "stretched": LlamaConfig(layers=2, width=32, context=32, head_size=8, base=3000.0, stretch=(4.0, 1.0, 4.0, 16.0)),
}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300))


def moved(module):
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return module.eval()


def our_logits(model, ids):
    with torch.no_grad():
        states, _ = model.module(ids)
        return states @ model.module.output_weight.T


def saved(name, tokenizer, folder):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.size + 5,
        bos_token_id=tokenizer.specials["start"],
        eos_token_id=tokenizer.specials["end"],
        **{**SIZES, **THEIRS[name]},
    )
    theirs = moved(transformers.LlamaForCausalLM(config))
    theirs.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return theirs


@pytest.mark.parametrize("name", THEIRS)
def test_we_open_their_folder(name, tokenizer, tmp_path):
    theirs = saved(name, tokenizer, tmp_path)
    model = GptLM.load(tmp_path)
    ids = torch.randint(0, tokenizer.size + 5, (3, 60))
    with torch.no_grad():
        assert torch.allclose(our_logits(model, ids), theirs(ids).logits, atol=1e-4)
    assert model.parameters == sum(weight.numel() for weight in theirs.parameters())
    document = tokenizer.encode("the cat sat on a mat")
    inputs = torch.tensor([[tokenizer.specials["start"], *map(int, document)]])
    targets = torch.tensor([*map(int, document), tokenizer.specials["end"]])
    with torch.no_grad():
        wanted = theirs(inputs).logits[0].log_softmax(-1).gather(1, targets[:, None])[:, 0]
    assert np.allclose(model.log_probs([document])[0], wanted.numpy(), atol=1e-4)


@pytest.mark.parametrize("name", OURS)
def test_transformers_opens_our_folder(name, tokenizer, tmp_path):
    torch.manual_seed(0)
    model = GptLM(tokenizer, OURS[name])
    moved(model.module)
    model.save_files(tmp_path)
    theirs, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    ids = torch.randint(0, tokenizer.size, (3, 32))
    with torch.no_grad():
        assert torch.allclose(theirs.eval()(ids).logits, our_logits(model, ids), atol=1e-4)
    assert theirs.generation_config.eos_token_id == tokenizer.specials["end"]
    prompt = torch.tensor([[tokenizer.specials["start"], *map(int, tokenizer.encode("the cat"))]])
    continued = theirs.generate(prompt, max_new_tokens=12, do_sample=False)[0, prompt.shape[1] :].tolist()
    scores, state = model.start([tokenizer.encode("the cat")])
    ours = []
    while len(ours) < 12 and (not ours or ours[-1] != tokenizer.specials["end"]):
        ours.append(int(scores[0].argmax()))
        scores, state = model.step(state, np.array(ours[-1:]))
    assert ours == continued


def test_yesterdays_keys_mean_the_same(tokenizer, tmp_path):
    saved("stretched", tokenizer, tmp_path)
    model = GptLM.load(tmp_path)
    path = tmp_path / "config.json"
    table = json.loads(path.read_text())
    rope = table.pop("rope_parameters")
    table |= {"rope_theta": rope.pop("rope_theta"), "rope_scaling": rope}
    path.write_text(json.dumps(table))
    again = GptLM.load(tmp_path)
    assert again.config == model.config and again.config.stretch == (8.0, 1.0, 4.0, 16.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}, "rope_parameters": None},
            "rope_scaling = .*yarn.* not supported",
        ),
        ({"rope_parameters": {**LLAMA3, "factor": 0}}, "rope_parameters = .* is not supported"),
        ({"attention_bias": True}, "attention_bias = True is not supported"),
        ({"hidden_act": "gelu"}, "hidden_act = gelu is not supported"),
        ({"num_key_value_heads": 3}, "not a multiple of model.key-heads"),
        ({"quantization_config": {}}, "unknown key 'quantization_config'"),
        ({"max_position_embeddings": 2**30}, "max_position_embeddings = .* is not a size"),
        ({"head_dim": 5}, "must be even"),
    ],
)
def test_a_configuration_that_means_another_network_is_refused(change, message, tokenizer, tmp_path):
    saved("plain", tokenizer, tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ContentError, match=message):
        GptLM.load(tmp_path)
