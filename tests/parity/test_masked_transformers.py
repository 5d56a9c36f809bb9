"""BERT, RoBERTa, XLM-R, DistilBERT, ModernBERT: transformers' folders open here and ours there, with equal logits."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hornbook.core.errors import ContentError, UsageError
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.models.masked import MaskedLM
from hornbook.scoring.fill_masked import fill_masked
from hornbook.scoring.pieces import Pieces
from hornbook.tokenizers import TokenizerConfig, load_tokenizer, train_tokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the cat sat on the mat and the dog sat on the cat", "a dog and a cat and a mat", "mats are for cats and dogs"]
SIZES = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 80,
    "max_position_embeddings": 40,
}
THEIRS = {
    "bert": ("BertForMaskedLM", lambda v: transformers.BertConfig(vocab_size=v, **SIZES)),
    "bert tanh": ("BertForMaskedLM", lambda v: transformers.BertConfig(vocab_size=v, hidden_act="gelu_new", **SIZES)),
    "bert untied": ("BertForMaskedLM", lambda v: transformers.BertConfig(vocab_size=v, tie_word_embeddings=False, **SIZES)),
    "bert pair": ("BertForPreTraining", lambda v: transformers.BertConfig(vocab_size=v, **SIZES)),
    "roberta untied": (
        "RobertaForMaskedLM",
        lambda v: transformers.RobertaConfig(vocab_size=v, tie_word_embeddings=False, **SIZES),
    ),
    "roberta": ("RobertaForMaskedLM", lambda v: transformers.RobertaConfig(vocab_size=v, type_vocab_size=1, **SIZES)),
    "roberta tanh": ("RobertaForMaskedLM", lambda v: transformers.RobertaConfig(vocab_size=v, hidden_act="gelu_new", **SIZES)),
    "xlm-roberta": ("XLMRobertaForMaskedLM", lambda v: transformers.XLMRobertaConfig(vocab_size=v, **SIZES)),
    "distilbert": (
        "DistilBertForMaskedLM",
        lambda v: transformers.DistilBertConfig(
            vocab_size=v, dim=48, n_layers=3, n_heads=4, hidden_dim=80, max_position_embeddings=40
        ),
    ),
    "modernbert": (
        "ModernBertForMaskedLM",
        lambda v: transformers.ModernBertConfig(
            vocab_size=v, pad_token_id=0, local_attention=6, global_attn_every_n_layers=2, **SIZES
        ),
    ),
    "modernbert global": (
        "ModernBertForMaskedLM",
        lambda v: transformers.ModernBertConfig(vocab_size=v, pad_token_id=0, layer_types=["full_attention"] * 3, **SIZES),
    ),
}
OURS = {
    "bert": BertConfig(layers=3, width=64, heads=4, context=32),
    "bert next sentence": BertConfig(layers=2, width=48, heads=3, context=32, inner=100, next_sentence=True),
    "bert untied": BertConfig(layers=1, width=32, context=32, tied=False, activation="gelu_new", epsilon=1e-6),
    "roberta": BertConfig(layers=2, width=64, heads=4, context=32, types=1, layout="roberta"),
    "xlm-roberta": BertConfig(layers=1, width=32, context=32, types=1, layout="xlm-roberta"),
    "distilbert": BertConfig(layers=2, width=32, context=32, types=0, layout="distilbert"),
    "modern": ModernBertConfig(layers=3, width=64, heads=4, context=32),
    "modern local": ModernBertConfig(layers=5, width=32, heads=2, context=32, neighbourhood=4, global_every=3, global_base=8e4),
}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300))


def moved(module):
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return module.eval()


def our_logits(module, ids, documents=None, segments=None):
    with torch.no_grad():
        states = module(ids, documents, segments)
        logits = F.linear(module.transform(states.flatten(0, 1)), module.output_weight, module.output_bias)
    return logits.view(*ids.shape, -1), states


def their_logits(module, **inputs):
    with torch.no_grad():
        output = module(**inputs)
    return output.logits if hasattr(output, "logits") else output.prediction_logits


def opened(name, tokenizer, folder, **options):
    torch.manual_seed(0)
    kind, config = THEIRS[name]
    theirs = moved(getattr(transformers, kind)(config(tokenizer.size + 3)))
    theirs.save_pretrained(folder, **options)
    tokenizer.save_pretrained(folder)
    return theirs, MaskedLM.load(folder)


def ragged(count, longest, vocabulary, padding):
    """Ids with padding behind, transformers' mask of it, and our numbers of pieces."""
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([longest, 3, 11, longest - 1][:count])
    present = torch.arange(longest) < lengths[:, None]
    ids = torch.randint(6, vocabulary, (count, longest), generator=generator).masked_fill(~present, padding)
    return ids, present, torch.where(present, 0, -1).int()


@pytest.mark.parametrize("name", THEIRS)
def test_we_open_their_folder(name, tokenizer, tmp_path):
    theirs, ours = opened(name, tokenizer, tmp_path)
    padding = theirs.config.pad_token_id
    ids, present, documents = ragged(4, 32, tokenizer.size + 3, padding)
    expected = their_logits(theirs, input_ids=ids, attention_mask=present.long())
    found, _ = our_logits(ours.module, ids, documents)
    assert (found - expected)[present].abs().max() < 1e-4
    whole = ids[:1]
    assert torch.allclose(our_logits(ours.module, whole)[0], their_logits(theirs, input_ids=whole), atol=1e-4)
    idle = tokenizer.size + 3 if "untied" in name else 0  # a second bias that transformers keeps and does not read
    assert ours.parameters == sum(weight.numel() for weight in theirs.parameters()) - idle
    assert str(ours.loaded).split()[0] == str(ours.loaded).split()[2] and not ours.loaded.notes


@pytest.mark.parametrize("name", ["bert", "bert pair", "xlm-roberta"])
def test_two_segments_and_the_next_sentence(name, tokenizer, tmp_path):
    theirs, ours = opened(name, tokenizer, tmp_path)
    ids, present, documents = ragged(4, 32, tokenizer.size, theirs.config.pad_token_id)
    segments = (torch.arange(32) >= 7).long().expand(4, 32)
    inputs = {"input_ids": ids, "attention_mask": present.long(), "token_type_ids": segments}
    found, states = our_logits(ours.module, ids, documents, segments)
    assert (found - their_logits(theirs, **inputs))[present].abs().max() < 1e-4
    if name == "bert pair":
        with torch.no_grad():
            expected = theirs(**inputs).seq_relationship_logits
            assert torch.allclose(ours.module.next_sentence(states[:, 0]), expected, atol=1e-4)


@pytest.mark.parametrize("name", OURS)
def test_transformers_opens_our_folder(name, tokenizer, tmp_path):
    torch.manual_seed(0)
    ours = MaskedLM(tokenizer, OURS[name])
    moved(ours.module)
    ours.save_files(tmp_path)
    auto = transformers.AutoModelForPreTraining if "next" in name else transformers.AutoModelForMaskedLM
    theirs, report = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    ids, present, documents = ragged(4, 32, tokenizer.size, tokenizer.specials["pad"])
    expected = their_logits(theirs.eval(), input_ids=ids, attention_mask=present.long())
    assert (our_logits(ours.module, ids, documents)[0] - expected)[present].abs().max() < 1e-4
    idle = tokenizer.size if "untied" in name else 0
    assert ours.parameters == sum(weight.numel() for weight in theirs.parameters()) - idle
    assert theirs.config.pad_token_id == tokenizer.specials["pad"]
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert their_tokenizer("the cat", add_special_tokens=False)["input_ids"] == tokenizer.encode("the cat").tolist()
    again = MaskedLM.load(tmp_path)
    assert torch.equal(our_logits(again.module, ids, documents)[0], our_logits(ours.module, ids, documents)[0])


def test_guesses_are_those_of_transformers(tokenizer, tmp_path):
    theirs, ours = opened("bert", tokenizer, tmp_path)
    specials = tokenizer.specials
    row = tokenizer.encode("the cat sat on a mat").astype(np.int64)
    place = 2
    inputs = np.concatenate([[specials["start"]], row, [specials["end"]]])
    inputs[1 + place] = specials["mask"]
    expected = their_logits(theirs, input_ids=torch.from_numpy(inputs)[None])[0, 1 + place].log_softmax(-1)
    assert np.allclose(ours.masked_log_probs([row], [place])[0], expected.numpy(), atol=1e-4)
    assert ours.pseudo_log_probs([row])[0][place] == pytest.approx(expected[row[place]].item(), abs=1e-4)


def test_a_checkpoint_in_several_files_opens(tokenizer, tmp_path):
    theirs, ours = opened("roberta", tokenizer, tmp_path, max_shard_size="60KB")
    assert not (tmp_path / "model.safetensors").exists()
    ids = torch.randint(6, tokenizer.size, (2, 20))
    assert torch.allclose(our_logits(ours.module, ids)[0], their_logits(theirs, input_ids=ids), atol=1e-4)


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel", "DistilBertModel", "ModernBertModel"])
def test_an_encoder_alone_opens_without_a_head_and_takes_a_new_one_when_asked(name, tokenizer, tmp_path):
    torch.manual_seed(0)
    kind = name.removesuffix("Model").lower()
    theirs = moved(getattr(transformers, name)(THEIRS[kind][1](tokenizer.size)))
    theirs.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ours = MaskedLM.load(tmp_path)
    ids, present, documents = ragged(3, 20, tokenizer.size, theirs.config.pad_token_id)
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=present.long()).last_hidden_state
        found = ours.module(ids, documents)
    assert (found - expected)[present].abs().max() < 1e-4
    assert ours.parameters == sum(weight.numel() for weight in theirs.parameters())
    with pytest.raises(UsageError, match="has no head for masked tokens"):
        ours.pseudo_log_probs([np.array([7, 8])])
    again = MaskedLM.load(tmp_path, new_head=True)
    assert "a new one begins untrained" in again.loaded.notes[0].text
    assert again.loaded.used == again.loaded.held == len(ours.module.state_dict()) + _split(ours, kind)
    assert np.isfinite(again.pseudo_log_probs([np.array([7, 8])])[0]).all()


def _split(model, kind):
    """Tensors that we join: three become one, weight and bias, a layer."""
    return 0 if kind == "modernbert" else 4 * model.config.layers


def test_a_half_head_is_an_error(tokenizer, tmp_path):
    from safetensors.torch import load_file, save_file

    opened("bert", tokenizer, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["cls.predictions.transform.dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ContentError, match="is missing"):
        MaskedLM.load(tmp_path, new_head=True)


def test_names_of_the_first_checkpoints_open(tokenizer, tmp_path):
    """gamma and beta for norms, the tied table a second time, a counter of positions."""
    from safetensors.torch import load_file, save_file

    _, ours = opened("bert", tokenizer, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in tensors.items()
    }
    old["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
    old["bert.embeddings.position_ids"] = torch.arange(40)[None]
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    ids = torch.randint(6, tokenizer.size, (2, 20))
    again = MaskedLM.load(tmp_path)
    assert torch.equal(our_logits(again.module, ids)[0], our_logits(ours.module, ids)[0])
    old["cls.predictions.decoder.weight"][3] += 1
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ContentError, match="but they differ"):
        MaskedLM.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bert", {"hidden_act": "relu"}, "hidden_act = relu is not supported"),
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type = relative_key is not supported"),
        ("bert", {"is_decoder": True}, "is_decoder = True is not supported"),
        ("bert", {"hiden_size": 48}, "unknown key 'hiden_size'. Did you mean hidden_size"),
        ("bert", {"hidden_size": -1}, "hidden_size = -1 is not a size"),
        ("bert", {"num_attention_heads": 5}, "not a multiple"),
        ("bert", {"layer_norm_eps": "small"}, "layer_norm_eps = small is not a number"),
        ("bert", {"tie_word_embeddings": 3}, "tie_word_embeddings = 3 is not true or false"),
        ("roberta", {"pad_token_id": 39}, "max_position_embeddings = 40 is not a size"),
        ("modernbert", {"norm_bias": True}, "norm_bias = True is not supported"),
        ("modernbert", {"layer_types": ["sliding_attention"] * 3}, "layer_types = .* is not supported"),
        ("modernbert", {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "rope_parameters = .* is not supported"),
    ],
)
def test_a_configuration_that_means_another_network_is_refused(name, change, message, tokenizer, tmp_path):
    opened(name, tokenizer, tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ContentError, match=message):
        MaskedLM.load(tmp_path)


def test_pickled_weights_are_refused_in_one_line(tokenizer, tmp_path):
    opened("bert", tokenizer, tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ContentError, match=r"pytorch_model\.bin is not opened: .*model\.safetensors") as caught:
        MaskedLM.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_yesterdays_modernbert_keys_mean_the_same(tokenizer, tmp_path):
    theirs, ours = opened("modernbert", tokenizer, tmp_path)
    path = tmp_path / "config.json"
    table = json.loads(path.read_text())
    del table["layer_types"], table["rope_parameters"]
    table |= {"global_attn_every_n_layers": 2, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0}
    path.write_text(json.dumps(table))
    again = MaskedLM.load(tmp_path)
    assert again.config == ours.config
    ids = torch.randint(6, tokenizer.size, (2, 30))
    assert torch.allclose(our_logits(again.module, ids)[0], their_logits(theirs, input_ids=ids), atol=1e-4)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "chars"])
@pytest.mark.parametrize("name", ["bert", "roberta", "modern"])
def test_the_fill_mask_pipeline_of_our_folder_answers_as_fill_does(name, kind, tmp_path):
    """The text is framed, the mask may be written in it, and the word in its place has the space before it inside."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer([*TEXTS, "猫坐在垫子上"], TokenizerConfig(kind=kind, size=560))
    model = MaskedLM(tokenizer, OURS[name])
    moved(model.module)
    model.save_files(tmp_path)
    ask = transformers.pipeline("fill-mask", model=str(tmp_path), device="cpu")
    mask, pieces = ask.tokenizer.mask_token, Pieces(tokenizer)
    for text in ("the cat sat on the ___ and", "___ are for cats", "猫坐在___子上"):
        begins = pieces.opening(text.split("___")[0])[1]
        answers = [one for one in ask(text.replace("___", mask), top_k=tokenizer.size) if begins[one["token"]]]
        found = fill_masked(model, text, top=5).gaps[0]
        assert [one.word for one in found] == [pieces.word([one["token"]]) for one in answers[:5]]
        assert [one.probability for one in found] == pytest.approx([one["score"] for one in answers[:5]], rel=1e-3)
    framed = ask.tokenizer("a cat", "a dog")
    pair = [2, *tokenizer.encode("a cat"), 5, *tokenizer.encode("a dog"), 3]
    assert framed["input_ids"] == [int(one) for one in pair]
    assert ("token_type_ids" in framed) == (name == "bert")
    again = load_tokenizer(tmp_path)
    assert again.to_json() == tokenizer.to_json() and again.kind == kind
    assert again.decode(again.encode(" a <mask> 猫\n")) == " a <mask> 猫\n"
