import numpy as np
import pytest
import torch

from hornbook.core.errors import ContentError
from hornbook.corpus.batches import Batch, BlockBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.models import birnn
from hornbook.models.birnn import BiRnn, BiRnnConfig, BiRnnModule
from hornbook.objectives.both_directions import both_directions_loss
from hornbook.training import TrainingConfig, train

VOCABULARY = 30


def module(**changes) -> BiRnnModule:
    torch.manual_seed(0)
    return BiRnnModule(BiRnnConfig(width=16, layers=2, embedding=8, **changes), VOCABULARY).double()


def test_each_half_reads_its_own_side_only():
    network = module().eval()
    ids = torch.randint(0, VOCABULARY, (2, 12))
    before = network(ids)
    for place in range(12):
        changed = ids.clone()
        changed[:, place] = (changed[:, place] + 1) % VOCABULARY
        after = network(changed)
        same = (after == before).all(dim=0)  # (T, 2E)
        assert same[:place, :8].all() and same[place + 1 :, 8:].all()
        assert not same[place:, :8].any() and not same[: place + 1, 8:].any()


def test_padding_changes_no_state():
    network = module().eval()
    ids = torch.randint(0, VOCABULARY, (2, 9))
    padded = torch.cat([ids, torch.zeros(2, 4, dtype=torch.int64)], dim=1)
    padded[0, 5:] = 0
    documents = torch.zeros(2, 13, dtype=torch.int32)
    documents[0, 5:], documents[1, 9:] = -1, -1
    found = network(padded, documents)
    assert torch.allclose(found[0, :5], network(ids[:1, :5])[0])
    assert torch.allclose(found[1, :9], network(ids[1:])[0])


def test_the_objective_adds_both_directions_and_counts_words():
    network = module()
    inputs, targets = torch.randint(1, VOCABULARY, (3, 7)), torch.randint(1, VOCABULARY, (3, 7))
    targets[1, 2] = -100
    loss, carry = both_directions_loss(network, Batch(inputs, targets, True))
    forward = (network.forwards(inputs) @ network.output_weight.T + network.output_bias).log_softmax(-1)
    backward = (network.backwards(inputs[:, 1:]) @ network.output_weight.T + network.output_bias).log_softmax(-1)
    wanted_forward = -sum(
        float(forward[b, t, targets[b, t]].detach()) for b in range(3) for t in range(7) if targets[b, t] != -100
    )
    wanted_backward = -sum(float(backward[b, t, inputs[b, t]].detach()) for b in range(3) for t in range(6))
    assert carry is None and loss.count == 20 + 18
    assert loss.parts["forward"] == (pytest.approx(wanted_forward), 20)
    assert loss.parts["backward"] == (pytest.approx(wanted_backward), 18)
    assert float(loss.total.detach()) == pytest.approx(wanted_forward + wanted_backward)
    assert torch.equal(network.counts, torch.bincount(inputs.flatten(), minlength=VOCABULARY).double())
    with torch.no_grad():
        both_directions_loss(network, Batch(inputs, targets, True))
    assert network.counts.sum() == 21  # measuring is no training


def test_the_number_of_parameters_is_known_before_building():
    for config in (BiRnnConfig(width=12), BiRnnConfig(cell="gru", width=12, layers=3, embedding=6)):
        built = BiRnnModule(config, VOCABULARY)
        assert birnn.parameters(config, VOCABULARY) == sum(weight.numel() for weight in built.parameters())


@pytest.fixture(scope="module")
def trained(tokenizer):
    """Text in which each pair of words holds a third one between them: neither side alone gives it away."""
    generator = np.random.default_rng(0)
    words = np.arange(10, 14)
    documents = []
    for _ in range(300):
        left, right = generator.integers(0, 4, 2)
        documents.append(np.array([words[left], 20 + (left + right) % 4, 30 + right]))
    model = BiRnn(tokenizer, BiRnnConfig(width=32))
    batches = BlockBatches(ShardSplit.from_documents(documents), rows=8, length=30, specials=tokenizer.specials, seed=1)
    config = TrainingConfig(steps=200, optimizer="adamw", learning_rate=0.01, precision="float32", rows=8, length=30)
    for _ in train(model.module, both_directions_loss, batches, config):
        pass
    return model


def test_a_hidden_word_is_found_from_both_sides(trained):
    rows = [np.array([10 + left, 0, 30 + right]) for left in range(4) for right in range(4)]
    scores = trained.both_sides_log_probs(rows, [1] * 16)
    assert scores.shape == (16, trained.vocabulary)
    assert np.allclose(np.exp(scores).sum(1), 1, atol=1e-4)
    assert set(scores.argmax(1)) <= set(range(20, 24))
    ends = trained.both_sides_log_probs([np.array([10, 21, 0])], [2])  # the end of the text is the right side
    assert 30 <= ends.argmax() < 34
    hidden = trained.both_sides_log_probs([np.array([10, 5, 30])], [1])
    assert np.array_equal(hidden[0], trained.both_sides_log_probs([np.array([10, 17, 30])], [1])[0])


def test_saved_folders_open_with_equal_scores(trained, tmp_path, edit_json):
    trained.save_files(tmp_path)
    opened = BiRnn.load(tmp_path)
    rows = [np.array([10, 20, 30]), np.array([11, 22])]
    assert np.array_equal(opened.both_sides_log_probs(rows, [1, 0]), trained.both_sides_log_probs(rows, [1, 0]))
    assert opened.parameters == birnn.parameters(opened.config, opened.vocabulary)
    edit_json(tmp_path / "config.json", layers=3)
    with pytest.raises(ContentError):
        BiRnn.load(tmp_path)


def test_the_encoder_gives_states_of_texts_of_any_length(trained):
    encoder = trained.encoder
    texts = ["the cat sat", "a dog", ""]
    encoded = encoder.encode(encoder.prepare(texts))
    assert encoded.states.shape == (3, int(encoded.lengths.max()), encoder.width)
    alone = encoder.encode(encoder.prepare(texts[1:2]))
    length = int(alone.lengths[0])
    assert torch.allclose(encoded.states[1, :length], alone.states[0], atol=1e-6)
    encoded.states.sum().backward()
    assert trained.module.embedding.weight.grad is not None
