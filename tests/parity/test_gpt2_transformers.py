"""The classic layout is GPT-2's: folders open on both sides with equal logits."""

import json

import numpy as np
import pytest
import torch

from hornbook.core.errors import ContentError
from hornbook.models.gpt import GptConfig, GptLM
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the cat sat on the mat and the dog sat on the cat", "a dog and a cat and a mat", "mats are for cats and dogs"]


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


@pytest.mark.parametrize(
    "config",
    [
        GptConfig(layers=3, width=64, heads=4, context=32),
        GptConfig(layers=2, width=48, heads=3, context=32, inner=100, activation="gelu_new"),
        GptConfig(layers=1, width=32, context=32, tied=False, epsilon=1e-4),
    ],
)
def test_transformers_opens_our_folder(config, tokenizer, tmp_path):
    torch.manual_seed(0)
    model = GptLM(tokenizer, config)
    moved(model.module)
    model.save_files(tmp_path)
    theirs, report = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    ids = torch.randint(0, tokenizer.size, (3, 32))
    with torch.no_grad():
        assert torch.allclose(theirs.eval()(ids).logits, our_logits(model, ids), atol=1e-4)
    assert type(theirs).__name__ == "GPT2LMHeadModel"
    assert sum(weight.numel() for weight in theirs.parameters()) == model.parameters
    assert theirs.config.bos_token_id == tokenizer.specials["start"]
    assert theirs.config.eos_token_id == tokenizer.specials["end"]
    assert theirs.generation_config.eos_token_id == tokenizer.specials["end"]


def test_their_tokenizer_and_generation_work_on_our_folder(tokenizer, tmp_path):
    torch.manual_seed(0)
    model = GptLM(tokenizer, GptConfig(layers=2, width=64, heads=4, context=64))
    moved(model.module)
    model.save_files(tmp_path)
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ids = tokenizer.encode("the cat")
    assert their_tokenizer("the cat", add_special_tokens=False)["input_ids"] == list(map(int, ids))
    assert their_tokenizer.eos_token_id == tokenizer.specials["end"]
    assert their_tokenizer.bos_token_id == tokenizer.specials["start"]
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    prompt = torch.tensor([[tokenizer.specials["start"], *map(int, ids)]])
    continued = theirs.generate(prompt, max_new_tokens=20, do_sample=False)[0, prompt.shape[1] :].tolist()
    scores, state = model.start([ids])
    ours = []
    while len(ours) < 20:
        ours.append(int(scores[0].argmax()))
        if ours[-1] == tokenizer.specials["end"]:
            break
        scores, state = model.step(state, np.array(ours[-1:]))
    assert ours == continued


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("inner", [None, 80])
def test_we_open_their_folder(tied, inner, tokenizer, tmp_path):
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=tokenizer.size + 5,
        n_positions=24,
        n_embd=48,
        n_layer=2,
        n_head=3,
        n_inner=inner,
        bos_token_id=tokenizer.specials["start"],
        eos_token_id=tokenizer.specials["end"],
        tie_word_embeddings=tied,
    )
    theirs = moved(transformers.GPT2LMHeadModel(config))
    theirs.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = GptLM.load(tmp_path)
    ids = torch.randint(0, tokenizer.size + 5, (3, 24))
    with torch.no_grad():
        expected = theirs(ids).logits
    assert torch.allclose(our_logits(model, ids), expected, atol=1e-4)
    document = tokenizer.encode("the cat sat on a mat")
    inputs = torch.tensor([[tokenizer.specials["start"], *map(int, document)]])
    targets = torch.tensor([*map(int, document), tokenizer.specials["end"]])
    with torch.no_grad():
        wanted = theirs(inputs).logits[0].log_softmax(-1).gather(1, targets[:, None])[:, 0]
    assert np.allclose(model.log_probs([document])[0], wanted.numpy(), atol=1e-4)


def test_a_round_trip_through_transformers_keeps_every_weight(tokenizer, tmp_path):
    torch.manual_seed(2)
    model = GptLM(tokenizer, GptConfig(layers=2, width=32, heads=2, context=16))
    moved(model.module)
    first, second = tmp_path / "ours", tmp_path / "theirs"
    first.mkdir()
    model.save_files(first)
    transformers.AutoModelForCausalLM.from_pretrained(first).save_pretrained(second)
    tokenizer.save_pretrained(second)
    again = GptLM.load(second)
    for name, weight in model.module.named_parameters():
        assert torch.equal(weight, dict(again.module.named_parameters())[name]), name
    assert again.config.activation == model.config.activation


def test_a_checkpoint_without_prefix_and_with_old_masks_opens(tokenizer, tmp_path):
    """As the first GPT-2 checkpoints are: no 'transformer.' before the names, causal masks among the tensors."""
    from safetensors.torch import load_file, save_file

    torch.manual_seed(3)
    model = GptLM(tokenizer, GptConfig(layers=2, width=32, heads=2, context=16))
    model.save_files(tmp_path)
    path = tmp_path / "model.safetensors"
    old = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 16, 16)
    save_file(old, path, {"format": "pt"})
    again = GptLM.load(tmp_path)
    ids = torch.randint(0, tokenizer.size, (2, 16))
    assert torch.equal(our_logits(model, ids), our_logits(again, ids))


def test_a_checkpoint_in_several_files_opens(tokenizer, tmp_path):
    torch.manual_seed(4)
    config = transformers.GPT2Config(vocab_size=tokenizer.size, n_positions=16, n_embd=32, n_layer=3, n_head=2)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path, max_shard_size="60KB")
    tokenizer.save_pretrained(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    ids = torch.randint(0, tokenizer.size, (2, 16))
    with torch.no_grad():
        assert torch.allclose(our_logits(GptLM.load(tmp_path), ids), theirs(ids).logits, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation_function": "relu"}, "activation_function = relu is not supported"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx = True is not supported"),
        ({"n_layers": 4}, "unknown key 'n_layers'. Did you mean n_layer"),
        ({"n_embd": -3}, "n_embd = -3 is not a size"),
        ({"n_head": 5}, "not a multiple"),
    ],
)
def test_a_configuration_that_means_another_network_is_refused(change, message, tokenizer, tmp_path):
    model = GptLM(tokenizer, GptConfig(layers=1, width=32, context=16))
    model.save_files(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ContentError, match=message):
        GptLM.load(tmp_path)
