"""New tokens: old texts are cut as before, every text comes back, transformers agrees, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, load_tokenizer, train_tokenizer
from hornbook.tokenizers.extend import NewToken, extend, propose

OLD = ["the cat sat on the mat and the dog sat on the log. it was naïve of them to sit there, was it not? " * 20]
NEW = [
    "the kubernetes cluster restarts pods. 我们使用服务器，服务器运行命令。使用命令重启服务器。kubernetes pods restart. " * 30
]
KINDS = ("bpe", "wordpiece", "unigram")


def grown(kind: str, count: int = 40) -> tuple[TextTokenizer, TextTokenizer, list[NewToken]]:
    old = train_tokenizer(OLD, TokenizerConfig(kind=kind, size=640))
    tokens = propose(old, NEW, count=count)
    return old, extend(old, tokens), tokens


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[TextTokenizer, TextTokenizer, list[NewToken]]:
    return grown(request.param)


def test_the_new_text_takes_far_fewer_tokens(pair: tuple[TextTokenizer, TextTokenizer, list[NewToken]]) -> None:
    old, new, tokens = pair
    assert len(new.encode(NEW[0])) < 0.5 * len(old.encode(NEW[0]))
    assert new.size == old.size + len(tokens)
    assert any("服务器" in token.text for token in tokens)
    assert new.lossless
    assert new.kind == old.kind


def test_old_tokens_keep_their_ids_and_old_texts_their_cuts(pair: tuple[TextTokenizer, TextTokenizer, list[NewToken]]) -> None:
    old, new, _ = pair
    vocabulary = new.backend.get_vocab(with_added_tokens=True)
    assert all(vocabulary[name] == number for name, number in old.backend.get_vocab(with_added_tokens=True).items())
    assert dict(new.specials) == dict(old.specials)
    for text in ("a mat, a cat; naïve dogs", "xyzzy 42"):
        ids = new.encode(text)
        if ids.max() < old.size:
            np.testing.assert_array_equal(ids, old.encode(text))
    np.testing.assert_array_equal(new.encode("the dog sat on it."), old.encode("the dog sat on it."))


def test_pieces_of_a_token_spell_it_and_its_gains_are_those_of_the_text(
    pair: tuple[TextTokenizer, TextTokenizer, list[NewToken]],
) -> None:
    old, new, tokens = pair
    for index, token in enumerate(tokens):
        assert len(token.pieces) > 1
        assert max(token.pieces) < old.size
        assert new.backend.token_to_id(token.name) == old.size + index
        assert token.saved == token.count * (len(token.pieces) - 1)
    if new.kind == "bpe":  # whose joins are the ones that were counted
        saved = len(old.encode(NEW[0])) - len(new.encode(NEW[0]))
        assert sum(token.saved for token in tokens) == saved


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_comes_back_and_is_cut_anew_only_by_new_tokens(kind: str) -> None:
    old, new, _ = grown(kind)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.sampled_from(["服务器", "kubernetes", "é", " ", "cat", "\n", "の", "ß", "<s>", "命", "ubern"])).map("".join)
    )
    @example("naïve kubernetesque 服务器器 <mask>")
    def check(text: str) -> None:
        ids = new.encode(text)
        assert new.decode(ids) == text
        if not ids.size or ids.max() < old.size:
            np.testing.assert_array_equal(ids, old.encode(text))

    check()

    @settings(max_examples=100, deadline=None)
    @given(st.text())
    def any_text(text: str) -> None:
        assert new.decode(new.encode(text)) == text

    any_text()


def test_saved_it_opens_here_and_in_transformers_with_equal_ids(
    pair: tuple[TextTokenizer, TextTokenizer, list[NewToken]], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    _, new, _ = pair
    new.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert (again.kind, again.size) == (new.kind, new.size)
    other = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in (NEW[0], OLD[0][:200], "kubernetesque naïve 服务器 été"):
        ids = new.encode(text).tolist()
        assert again.encode(text).tolist() == ids
        assert other(text, add_special_tokens=False)["input_ids"] == ids
        assert other.decode(ids) == text


def test_counts_follow_what_was_joined() -> None:
    """'abcd' alone: after ab is joined with c there is no 'bc' left to join."""
    old = train_tokenizer(["xy xy z"], TokenizerConfig(kind="bpe", size=300))
    tokens = propose(old, ["abcd " * 50], count=20)
    texts = [token.text for token in tokens]
    assert "abcd" in {text.strip() for text in texts}
    assert len(texts) <= 4


def test_a_token_that_is_rare_is_not_added() -> None:
    old = train_tokenizer(OLD, TokenizerConfig(kind="bpe", size=400))
    with pytest.raises(ContentError, match="nothing to add"):
        propose(old, ["kubernetes " * 5], count=10, least=10)


@pytest.mark.parametrize("kind", ["words", "chars", "bytes"])
def test_tokenizers_that_join_nothing_are_refused(kind: str) -> None:
    old = train_tokenizer(OLD, TokenizerConfig(kind=kind, size=640))
    with pytest.raises(UsageError, match="cannot take new tokens"):
        propose(old, NEW, count=10)


def test_a_count_below_one_is_refused() -> None:
    old = train_tokenizer(OLD, TokenizerConfig(kind="bpe", size=400))
    with pytest.raises(UsageError, match="--new-tokens"):
        propose(old, NEW, count=0)


def test_a_foreign_wordpiece_with_added_tokens_keeps_them(tmp_path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    letters = [*"abcdefghijklmnopqrstuvwxyz", *("##" + letter for letter in "abcdefghijklmnopqrstuvwxyz")]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    backend = Tokenizer(models.WordPiece({name: index for index, name in enumerate(names)}, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    backend.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    backend.add_tokens([AddedToken("[later]", special=True)])  # its id lies behind the model's
    backend.save(str(tmp_path / "tokenizer.json"))
    old = load_tokenizer(tmp_path)
    tokens = propose(old, ["pods restart pods " * 20], count=5)
    new = extend(old, tokens)
    assert {token.text for token in tokens} == {"pods", "restart"}
    assert new.backend.token_to_id("[later]") == old.size - 1
    assert new.encode("pods").tolist() == [new.backend.token_to_id("pods")]
    assert new.decode(new.encode("restart pods")) == "restart pods"
