"""Where words begin, sentences and pairs of segments, and the preview a person reads."""

import re
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.mask_preview import count_masks, preview_masks
from hornbook.corpus.masked_batches import MaskedBatches
from hornbook.corpus.masking import MaskedBatch, Masking
from hornbook.corpus.pair_batches import PairBatches
from hornbook.corpus.shards import Shards, ShardSplit, encode_store
from hornbook.corpus.store import TextStore, TextStoreWriter
from hornbook.corpus.token_texts import TokenTexts
from hornbook.corpus.word_starts import add_word_starts, with_word_starts, word_starts
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

ENGLISH = [f"The cat number {n} sat on Mr. Gray's mat. It said: \"I can't!\" Was that {n}.5 or not?\nYes" for n in range(30)]
CHINESE = ["今天天气很好，我们去公园。", "他们在公园里看见了2010年的iPhone手机！你说呢？"] * 10
KINDS = ["bpe", "wordpiece", "unigram", "chars", "words", "bytes"]


def tokenizer(kind, texts=(*ENGLISH, *CHINESE)):
    return train_tokenizer(texts, TokenizerConfig(kind=kind, size=700))


def units(tok, texts, segment=None):
    """The texts between word starts."""
    table, split = TokenTexts.of(tok), ShardSplit.from_documents(tok.encode_batch(texts))
    flags = np.concatenate([np.empty(0, bool), *word_starts(split, table, segment=segment)])
    ids = split.tokens.astype(np.int64)
    begins = [*np.flatnonzero(flags), ids.size]
    return [table.join(ids[begin:end]) for begin, end in pairwise(begins)]


def by_list(*words):
    pattern = re.compile("|".join([*sorted(words, key=len, reverse=True), r"[A-Za-z]+", r"."]), re.DOTALL)
    return lambda texts: [pattern.findall(text) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_spaced_text_whatever_the_tokenizer(kind):
    text = "The cat's mat, unbelievably 12345 naïve."
    found = [unit.strip() for unit in units(tokenizer(kind), [text])]
    assert [unit for unit in found if unit not in ("'", "'s", "s")] == [
        "The",
        "cat",
        "mat",
        ",",
        "unbelievably",
        "12345",
        "naïve",
        ".",
    ]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "chars", "bytes"])
def test_words_of_chinese_follow_the_segmenter_by_characters(kind):
    segment = by_list("今天", "天气", "很", "好", "我们", "去", "公园", "2010年", "手机", "龘龘")
    text = "今天天气很好，我们去公园。\n2010年iPhone手机龘龘"
    wanted = ["今天", "天气", "很", "好", "，", "我们", "去", "公园", "。", "\n", "2010年", "iPhone", "手机", "龘龘"]
    found = units(tokenizer(kind, CHINESE[:1] if kind == "chars" else (*ENGLISH, *CHINESE)), [text], segment)
    assert "".join(found) == text
    edges = lambda parts: set(np.cumsum([len(part) for part in parts]))
    assert edges(found) <= edges(wanted)  # a token that crosses two words joins them
    if kind in ("chars", "bytes"):
        assert found == wanted


def test_a_token_across_two_words_joins_them_and_documents_never_join():
    tok = tokenizer("bpe", ["天气天气天气"] * 50)
    assert units(tok, ["今天气象", "天气"], by_list("今天", "气象", "天气")) == ["今天气象", "天气"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("今天气a1 ,。\né龘", max_size=30), max_size=5), st.sampled_from(["bpe", "bytes", "wordpiece"]))
def test_units_cover_the_text_in_order(texts, kind):
    tok = TOKENIZERS.setdefault(kind, tokenizer(kind))
    for segment in (None, by_list("今天", "天气")):
        assert "".join(units(tok, texts, segment)) == "".join(texts)


TOKENIZERS = {}


def test_a_segmenter_that_changes_the_text_is_refused():
    with pytest.raises(ContentError, match="its words must join to the text"):
        units(tokenizer("chars"), ["今天"], lambda texts: [["今"] for _ in texts])


def test_word_starts_lie_beside_the_shards(tmp_path, monkeypatch):
    monkeypatch.setattr("hornbook.corpus.word_starts._AT_ONCE", 64)  # many parts
    tok = tokenizer("bytes")
    with TextStoreWriter(tmp_path / "store") as writer:
        for text in [*ENGLISH, *CHINESE]:
            writer.add("train", text)
        writer.add("valid", CHINESE[0])
    plain = encode_store(TextStore.open(tmp_path / "store"), tok, tmp_path / "shards", log=lambda event: None)
    assert plain.words is None and plain.split("train").words is None
    segment = by_list("今天", "天气", "我们", "公园")
    marked = add_word_starts(plain, tok, segment=segment, segmenter="list", fingerprint="1")
    again = Shards.open(tmp_path / "shards")
    assert again.words == {"segmenter": "list", "fingerprint": "1"} and again.fingerprint == plain.fingerprint
    for name, split in again.splits.items():
        wanted = with_word_starts(split, tok, segment=segment).words
        monkeypatch.setattr("hornbook.corpus.word_starts._AT_ONCE", 1 << 18)
        whole = with_word_starts(split, tok, segment=segment).words
        monkeypatch.setattr("hornbook.corpus.word_starts._AT_ONCE", 64)
        assert np.array_equal(split.words, wanted), name
        assert np.array_equal(marked.split(name).tokens, plain.split(name).tokens)
        bits = np.unpackbits(wanted ^ whole)
        assert bits.sum() <= 2 * split.tokens.size // 64  # a word across two parts may be cut there, no more
    (tmp_path / "shards" / "train.words.bin").write_bytes(b"")
    with pytest.raises(ContentError, match="train.words.bin"):
        Shards.open(tmp_path / "shards")


def sentences(tok, texts, length=64):
    split = ShardSplit.from_documents(tok.encode_batch(texts))
    batches = PairBatches(split, tok, rows=1, length=length, masking=Masking(), seed=1, objective="order")
    return [tok.decode(split.tokens[a:b]) for a, b in zip(batches._begins[:-1], batches._begins[1:])]


def test_sentences_end_at_full_stops_before_space_and_at_chinese_ones():
    texts = ['He paid 3.50 there. "Why?" she said.\nNo', "今天好。“真的吗？”她说。"]
    found = sentences(tokenizer("chars", texts * 20), texts, length=200)
    wanted = ["He paid 3.50 there.", '"Why?"', "she said.", "No", "今天好。", "“真的吗？”", "她说。"]
    assert [one.strip() for one in found] == wanted
    found = sentences(tokenizer("bpe", texts * 20), texts, length=200)  # a token may hold 。 and the quotation mark behind it
    assert [one.strip(" \n“") for one in found] == [one.strip("“") for one in wanted]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=8).filter(lambda n: max(n) > 1), st.integers(8, 40), st.integers(0, 3))
def test_pairs_hold_every_token_once_and_label_what_they_are(counts, length, epoch):
    tok = TOKENIZERS.setdefault("bytes", tokenizer("bytes"))
    texts = [" ".join(f"{chr(97 + d)}{'x' * (s % 5)}." for s in range(n)) for d, n in enumerate(counts)]
    split = ShardSplit.from_documents(tok.encode_batch(texts))
    for objective in ("next", "order"):
        make = partial(PairBatches, split, tok, rows=3, length=length, masking=Masking(), seed=9, objective=objective)
        batches, read = make(), np.zeros(split.tokens.size, int)
        layout = batches._layout(epoch)
        for begin, size, other, other_size, label in layout.plan:
            assert size + other_size + 3 <= length
            read[begin : begin + size] += 1
            home = np.searchsorted(split.starts, [begin, other], side="right")
            if objective == "next" and label == 1:
                assert home[0] != home[1] and other_size
                continue
            read[other : other + other_size] += 1
            if other_size:
                assert (other + other_size == begin) if label == 1 else (begin + size == other)
        assert (read == 1).all()
        for batch in batches.epoch(epoch):
            for row in range(len(batch.inputs)):
                text = batch.documents[row] == 0
                end = text.sum()
                assert text[:end].all() and batch.originals[row, 0] == 2 and batch.originals[row, end - 1] == 3
                assert (np.diff(batch.segments[row, :end]) >= 0).all() and not batch.segments[row, end:].any()
        parts = [make().part(5, rank, 3) for rank in range(3)]
        for name in ("inputs", "targets", "segments", "labels"):
            assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(batches[5], name))


def test_half_of_the_second_segments_are_foreign():
    tok = tokenizer("bytes")
    split = ShardSplit.from_documents(tok.encode_batch([" ".join(f"{w}." for w in "abcdefgh" * 40) for _ in range(50)]))
    for objective in ("next", "order"):
        batches = PairBatches(split, tok, rows=600, length=64, masking=Masking(), seed=2, objective=objective)
        assert abs(batches[0].labels.mean() - 0.5) < 0.08


def test_pairs_that_cannot_be_made_are_refused():
    tok = tokenizer("bytes")
    make = lambda texts: PairBatches(
        ShardSplit.from_documents(tok.encode_batch(texts)), tok, rows=1, length=32, masking=Masking(), seed=1
    )
    with pytest.raises(ContentError, match="there is only one"):
        make(["One. Two. Three."])
    with pytest.raises(ContentError, match="no document has a second sentence"):
        make(["One", "Two"])


def test_preview_and_counts_by_hand():
    tok = tokenizer("chars")
    ids = lambda text: tok.encode(text).astype(np.int64)
    start, end, pad, mask = (tok.specials[name] for name in ("start", "end", "pad", "mask"))
    original = np.concatenate([[start], ids("今天天气很好"), [end], [start], ids("we go"), [end, pad]])
    inputs = original.copy()
    inputs[[3, 4]] = mask  # 天气 hidden
    inputs[6] = ids("他")[0]  # 好 shown as 他
    targets = np.full_like(original, -100)
    targets[[3, 4, 6, 9]] = original[[3, 4, 6, 9]]  # and w as itself
    documents = np.array([0] * 8 + [1] * 7 + [-1], np.int32)
    batch = MaskedBatch(inputs[None], targets[None], documents[None])
    assert preview_masks(batch, tok) == ["今天[天气→MASK]很[好→他] ‖ [w=]e go"]
    counts = count_masks(batch, tok)
    assert (counts.tokens, counts.predicted, counts.masked, counts.random, counts.kept) == (11, 4, 2, 1, 1)
    assert counts.stretches == 3 and "4 of 11 tokens predicted (36.4%)" in str(counts)


def test_chinese_words_are_masked_whole_in_the_preview():
    tok = tokenizer("chars")
    split = ShardSplit.from_documents(tok.encode_batch(["今天天气很好，我们去公园。"] * 40))
    segment = by_list("今天", "天气", "我们", "公园")
    batches = MaskedBatches(
        with_word_starts(split, tok, segment=segment), tok, rows=40, length=16,
        masking=Masking(units="words", rate=0.3, masked=1.0, random=0.0), seed=4,
    )  # fmt: skip
    for line in preview_masks(batches[0], tok, 40):
        for word in ("今天", "天气", "我们", "公园"):
            assert word in line.replace("[", "").replace("→MASK]", "") and word in line
    with pytest.raises(UsageError, match="where they begin"):
        MaskedBatches(split, tok, rows=4, length=16, masking=Masking(units="words"), seed=4)


RARE = "镕基和𠮷野家的龘龘字䶮很罕见，㐂他喆堃犇。"


def cut_tokenizer():
    """Byte-level BPE that knows none of the rare characters, and some of them by halves."""
    return train_tokenizer([*CHINESE, "罕见和公司", "野家野家"], TokenizerConfig(kind="bpe", size=290))


@pytest.mark.parametrize("kind", ["bpe", "bytes"])
def test_characters_cut_into_bytes_are_masked_whole_with_their_words(kind):
    tok = cut_tokenizer() if kind == "bpe" else tokenizer("bytes")
    words = ["镕基", "和", "𠮷野家", "的", "龘龘", "字", "䶮", "很", "罕见", "，", "㐂", "他", "喆堃", "犇", "。"]
    segment = by_list(*words)
    assert len(tok.encode(RARE)) > len(RARE)
    assert units(tok, [RARE], segment) == words
    assert units(tok, [RARE], lambda texts: [list(text) for text in texts]) == list(RARE)
    split = with_word_starts(ShardSplit.from_documents(tok.encode_batch([RARE] * 30)), tok, segment=segment)
    masking = Masking(units="words", rate=0.3, masked=1.0, random=0.0)
    batches = MaskedBatches(split, tok, rows=30, length=len(tok.encode(RARE)) + 2, masking=masking, seed=3)
    mask, hidden = tok.specials["mask"], set()
    for row, original in zip(batches[0].inputs, batches[0].originals):
        place = 1  # behind the start
        for word in words:
            shown = row[place : place + len(tok.encode(word))]
            assert tok.decode(original[place : place + len(shown)]) == word
            assert (shown == mask).all() or (shown != mask).all(), word
            hidden |= {word} if shown[0] == mask else set()
            place += len(shown)
    assert hidden == set(words)


def test_cut_letters_of_other_scripts_without_spaces_follow_the_segmenter():
    """The first byte of a Thai letter is that of an Indian one too: what stands there decides, not the byte."""
    segment = by_list("ภาษา", "ไทย", "ＡＢＣ", "公司")
    assert units(cut_tokenizer(), ["ภาษาไทยＡＢＣ公司"], segment) == ["ภาษา", "ไทย", "ＡＢＣ", "公司"]
    assert units(cut_tokenizer(), ["हिन्दी में"], segment) == ["हिन्दी", " में"]
