import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hornbook.core.errors import ContentError, UsageError
from hornbook.models.gpt import GptConfig, GptLM
from hornbook.models.gpt_modern import ModernGptConfig
from hornbook.models.llama import LlamaConfig
from hornbook.models.rnn import RnnConfig, RnnLM

CASES = {
    "classic": (GptLM, GptConfig(layers=2, width=32, heads=2, context=16)),
    "classic untied": (GptLM, GptConfig(layers=1, width=32, context=16, inner=48, tied=False, activation="gelu_new")),
    "modern": (GptLM, ModernGptConfig(layers=2, width=32, heads=2, context=16)),
    "llama": (GptLM, LlamaConfig(layers=2, width=32, heads=4, key_heads=2, context=16)),
    "lstm": (RnnLM, RnnConfig(layers=2, width=24, dropout=0.1)),
}


@pytest.fixture(params=CASES)
def saved(request, tokenizer, tmp_path):
    cls, config = CASES[request.param]
    torch.manual_seed(0)
    model = cls(tokenizer, config)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    model.save_files(tmp_path)
    return model, tmp_path


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_a_loaded_model_gives_the_same_scores(saved, documents):
    model, folder = saved
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    again = type(model).load(folder)
    assert torch.equal(torch.rand(2), expected)
    for first, second in zip(model.log_probs(documents), again.log_probs(documents)):
        assert np.array_equal(first, second)
    assert (
        again.vocabulary == model.vocabulary
        and again.tokenizer.encode("cat").tolist() == model.tokenizer.encode("cat").tolist()
    )


def test_saving_twice_gives_the_same_bytes(saved, tmp_path):
    model, folder = saved
    other = tmp_path / "again"
    other.mkdir()
    type(model).load(folder).save_files(other)
    for name in ("config.json", "model.safetensors"):
        assert (other / name).read_bytes() == (folder / name).read_bytes()


def test_a_missing_tensor_is_named_with_the_nearest(saved):
    model, folder = saved
    name = sorted(load_file(folder / "model.safetensors"))[0]
    change_weights(folder, lambda tensors: tensors.update({name + "x": tensors.pop(name)}))
    with pytest.raises(ContentError, match=f"'{name}' is missing .*Did you mean {name}x"):
        type(model).load(folder)


def test_an_extra_tensor_is_named(saved):
    model, folder = saved
    change_weights(folder, lambda tensors: tensors.update({"surplus": torch.zeros(2)}))
    with pytest.raises(ContentError, match="unknown tensor '.*surplus'"):
        type(model).load(folder)


def test_a_wrong_shape_is_named(saved):
    model, folder = saved
    tensors = load_file(folder / "model.safetensors")
    name = max(tensors, key=lambda key: tensors[key].numel())
    change_weights(folder, lambda tensors: tensors.update({name: torch.cat([tensors[name], tensors[name]])}))
    with pytest.raises(ContentError, match=f"'{name}' has shape"):
        type(model).load(folder)


def test_values_that_are_not_numbers_are_refused(saved):
    model, folder = saved
    name = sorted(load_file(folder / "model.safetensors"))[0]
    change_weights(folder, lambda tensors: tensors[name].view(-1)[:1].fill_(float("nan")))
    with pytest.raises(ContentError, match=f"'{name}' holds values that are not finite"):
        type(model).load(folder)


def test_a_cut_file_is_one_line(saved):
    model, folder = saved
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ContentError, match=r"model\.safetensors is damaged"):
        type(model).load(folder)


def test_an_unknown_key_is_an_error(saved, edit_json):
    model, folder = saved
    edit_json(folder / "config.json", layerz=3)
    with pytest.raises(ContentError, match=r"unknown key 'layerz'"):
        type(model).load(folder)


def test_sizes_beyond_the_file_are_refused_before_memory_is_asked_for(saved, edit_json):
    model, folder = saved
    keys = {"gpt2": "n_layer", "llama": "num_hidden_layers"}
    key = keys.get(json.loads((folder / "config.json").read_text())["model_type"], "layers")
    edit_json(folder / "config.json", **{key: 2**30})
    with pytest.raises(ContentError, match="do not belong together"):
        type(model).load(folder)


def test_another_kind_is_refused(saved, edit_json):
    model, folder = saved
    edit_json(folder / "config.json", model_type="bert")
    with pytest.raises(ContentError, match="model_type 'bert'"):
        type(model).load(folder)


def test_missing_files_are_named(saved):
    model, folder = saved
    (folder / "model.safetensors").unlink()
    with pytest.raises(ContentError, match=r"config\.json describes|model\.safetensors is missing"):
        type(model).load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(UsageError, match=r"config\.json does not exist"):
        type(model).load(folder)
