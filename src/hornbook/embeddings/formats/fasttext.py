"""fastText's own files, .bin and .ftz: settings, dictionary, pruned buckets, input and output matrix, dense or quantised.

The layout is that of fastText 0.9 (versions 11 and 12 of the file): args.cc, dictionary.cc, densematrix.cc, quantmatrix.cc and
productquantizer.cc, in the order in which fasttext.cc saves them. Words are bytes there; here they are text in which a byte
that is not UTF-8 is a lone surrogate, so that hashing gives fastText's numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.embeddings.formats.quantised import Quantised, read_quantised
from hornbook.embeddings.formats.reading import Cursor, ReadOptions, map_bytes, replacing
from hornbook.embeddings.search import row_blocks
from hornbook.embeddings.vectors import WordVectors

if TYPE_CHECKING:
    from hornbook.embeddings.subwords import SubwordConfig, Subwords

MAGIC = (793712314).to_bytes(4, "little")
HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4
CBOW, SKIPGRAM, SUPERVISED = 1, 2, 3
_LOSSES: Mapping[Any, str] = {HIERARCHICAL: "hierarchical", NEGATIVE: "negative", SOFTMAX: "softmax", ONE_VS_ALL: "one-vs-all"}
_MODELS: Mapping[Any, str] = {CBOW: "cbow", SKIPGRAM: "skipgram", SUPERVISED: "supervised"}
Matrix: TypeAlias = NDArray[np.float32] | Quantised
_WRITTEN = 16 << 20  # bytes of rows written at a time
_VERSION = 12
_MOST_PRUNED = 1 << 25  # buckets of a pruned model: a table of them all is kept
_LONGEST_NGRAM = 100  # characters, and words: more is no setting but damage, and would take forever


@dataclass(frozen=True)
class Args:
    """The settings in the file, under fastText's names, in its order."""

    dim: int
    ws: int
    epoch: int
    min_count: int
    neg: int
    word_ngrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lr_update_rate: int
    t: float


@dataclass(frozen=True, eq=False)
class FastTextFile:
    """All that a file holds. Rows of `input`: the words, then buckets of n-grams; of `output`: labels, or words."""

    path: Path
    args: Args
    words: list[str]
    labels: list[str]
    counts: NDArray[np.int64]  # (words + labels,)
    tokens: int
    pruned: dict[int, int] | None  # bucket -> row after the words; None when every bucket is there
    input: Matrix  # (words + buckets, d)
    output: Matrix


def read_fasttext(path: Path) -> FastTextFile:
    """Read a .bin or .ftz file. ContentError names the byte, what was expected and what to do."""
    cursor = Cursor(path, map_bytes(path))
    if cursor.data[:4].tobytes() != MAGIC:
        raise ContentError(
            "{path}, byte 0: expected the first bytes of a fastText model, BA 16 4F 2F. Is it a .bin or .ftz file of fastText?",
            path=path,
        )
    cursor.position = len(MAGIC)
    args = _read_args(cursor)
    words, labels, counts, tokens, pruned = _read_dictionary(cursor, args)
    quantised = cursor.flag("the mark of a quantised input")
    if pruned is not None and not quantised:
        raise cursor.wrong("the input of a pruned model", "dense", "quantised", back=1)
    rows = len(words) + (args.bucket if pruned is None else len(pruned))
    inputs = _read_matrix(cursor, (rows, args.dim), "the input matrix", quantised=quantised)
    quantised = cursor.flag("the mark of a quantised output") and quantised
    rows = len(labels) if args.model == SUPERVISED else len(words)
    outputs = _read_matrix(cursor, (rows, args.dim), "the output matrix", quantised=quantised)
    if cursor.left:
        raise cursor.wrong("the number of bytes after the model", cursor.left, 0)
    return FastTextFile(path, args, words, labels, counts, tokens, pruned, inputs, outputs)


def read_vectors(path: Path, options: ReadOptions) -> WordVectors:
    """The words of a model as word vectors: each the mean of its own row and its n-grams', unknown words from n-grams alone.

    Labels of a classifier are left out, and so is an output matrix of zeros.
    """
    model = read_fasttext(path)
    if not model.words:
        raise ContentError("{path} has no words, only {labels} labels", path=path, labels=len(model.labels))
    count = len(model.words) if options.limit is None else min(len(model.words), options.limit)
    own = dense_rows(model.input, np.arange(count))
    subwords = subwords_of(model)
    context = None
    if model.args.model != SUPERVISED and isinstance(model.output, np.ndarray) and model.output[:count].any():
        context = model.output[:count]
    return WordVectors(
        model.words[:count],
        own if subwords is None else subwords.vectors(model.words[:count], rows=own),
        counts=model.counts[:count],
        subwords=subwords,
        context=context,
        facts=_facts(model),
    )


def subword_config(args: Args) -> SubwordConfig | None:
    """The n-grams of characters that a model uses; None when it uses none."""
    from hornbook.embeddings.subwords import SubwordConfig

    shortest = max(args.minn, 1)
    return (
        SubwordConfig(min_n=shortest, max_n=args.maxn, buckets=args.bucket) if args.maxn >= shortest and args.bucket else None
    )


def subwords_of(model: FastTextFile) -> Subwords | None:
    """The rows of n-grams, in memory, quantised ones decoded; None when the model has none."""
    from hornbook.embeddings.subwords import Subwords

    config, words = subword_config(model.args), len(model.words)
    if config is None:
        return None
    if isinstance(model.input, Quantised):
        buckets = dense_rows(model.input, np.arange(words, model.input.shape[0]))
    else:
        buckets = np.require(model.input[words:], requirements="A")
    return Subwords(config, buckets, places=places_of(model))


def places_of(model: FastTextFile) -> NDArray[np.int32] | None:
    """(bucket,) row of each bucket after the words, -1 for one that was pruned; None when none was."""
    if model.pruned is None:
        return None
    places = np.full(model.args.bucket, -1, np.int32)
    places[list(model.pruned)] = list(model.pruned.values())
    return places


def dense_rows(matrix: Matrix, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, d) copies of rows of a dense or quantised matrix."""
    return matrix.rows(rows) if isinstance(matrix, Quantised) else np.asarray(matrix[rows], np.float32)


def write_fasttext(vectors: WordVectors, path: Path) -> None:
    """Write an unsupervised .bin that fastText and gensim open with equal vectors, of unknown words too.

    A word's own row, which the file holds and the vectors do not, is what gives its vector back: (1 + n) v - sum of n-grams.
    Without counts words are given falling ones; without context the output matrix is zero. Raises DiskFullError.
    """
    broken = next((word for word in vectors.index_to_key if not word or "\0" in word), None)
    if broken is not None:
        raise ContentError("the word {word!r} cannot stand in a fastText file: it is empty or has a zero byte", word=broken)
    if vectors.subwords is not None and vectors.subwords.places.min(initial=0) < 0:
        raise ContentError("subwords with pruned buckets cannot be written to {path}: save to a folder", path=path)
    count, size, subwords, facts = len(vectors), vectors.vector_size, vectors.subwords, vectors.facts
    counts = np.arange(count, 0, -1) if vectors.counts is None else vectors.counts
    minn, maxn, bucket = (subwords.config.min_n, subwords.config.max_n, subwords.config.buckets) if subwords else (0, 0, 0)
    with replacing(path) as file:
        file.write(MAGIC + struct.pack("<i", _VERSION))
        file.write(struct.pack("<12id", size, *_settings(facts), bucket, minn, maxn, 100, float(facts.get("sample", 1e-4))))
        file.write(struct.pack("<3i2q", count, count, 0, int(facts.get("tokens", counts.sum())), -1))
        for word, number in zip(vectors.index_to_key, counts.tolist()):
            file.write(word.encode("utf-8", "surrogateescape") + b"\0" + struct.pack("<qb", number, 0))
        file.write(b"\0" + struct.pack("<2q", count + bucket, size))
        own = own_rows(vectors)
        _write_rows(file, own)
        if subwords is not None:
            _write_rows(file, subwords.buckets, subwords.places)
        file.write(b"\0" + struct.pack("<2q", count, size))
        _write_rows(file, np.zeros_like(own) if vectors.context is None else vectors.context)


def _facts(model: FastTextFile) -> dict[str, Any]:
    """The settings of a model under the names that hornbook's trainers give them."""
    args = model.args
    return {
        "trainer": "fasttext",
        "file": model.path.name,
        "model": _MODELS[args.model],
        "loss": _LOSSES[args.loss],
        "window": args.ws,
        "epochs": args.epoch,
        "min_count": args.min_count,
        "negative": args.neg,
        "sample": args.t,
        "tokens": model.tokens,
    }


def _settings(facts: Mapping[str, Any]) -> tuple[int, ...]:
    """ws, epoch, minCount, neg, wordNgrams, loss and model from the facts of a trainer; the usual ones where there are none."""
    numbers = {"window": 5, "epochs": 5, "min_count": 5, "negative": 5}
    first = [facts[name] if type(facts.get(name)) is int else usual for name, usual in numbers.items()]
    kinds = {name: number for number, name in _MODELS.items() if number != SUPERVISED}
    losses = {name: number for number, name in _LOSSES.items()}
    return *first, 1, losses.get(str(facts.get("loss")), NEGATIVE), kinds.get(str(facts.get("model")), SKIPGRAM)


def own_rows(vectors: WordVectors) -> NDArray[np.float32]:
    """(V, d) rows of the words themselves, n-grams taken out; the vectors where there are no subwords."""
    if vectors.subwords is None:
        return vectors.vectors
    from hornbook.embeddings.subwords import ngram_rows

    sizes = np.diff(ngram_rows(vectors.index_to_key, vectors.subwords.config)[1]).astype(np.float32)[:, None]  # (V, 1)
    own: NDArray[np.float32] = vectors.vectors * (1 + sizes)
    own -= vectors.subwords.vectors(vectors.index_to_key) * sizes
    return own


def _write_rows(file: BinaryIO, matrix: NDArray[np.float32], places: NDArray[np.int32] | None = None) -> None:
    """Rows of a matrix in order, or those at `places` (n,) where it is given and not empty."""
    rows = np.arange(len(matrix)) if places is None or not places.size else places
    step = max(1, _WRITTEN // max(1, 4 * matrix.shape[1]))
    for first in range(0, rows.size, step):
        file.write(np.ascontiguousarray(matrix[rows[first : first + step]], "<f4").view(np.uint8).data)


def _read_args(cursor: Cursor) -> Args:
    version = cursor.count("i", "the version", 11, _VERSION)
    most = 2**31 - 1
    limits = {
        "dim": (1, 1 << 20),
        "word_ngrams": (0, _LONGEST_NGRAM),
        "loss": (HIERARCHICAL, ONE_VS_ALL),
        "model": (CBOW, SUPERVISED),
        "bucket": (0, most),
        "minn": (0, _LONGEST_NGRAM),
        "maxn": (0, _LONGEST_NGRAM),
    }
    names = [field.name for field in fields(Args)][:-1]
    numbers = {name: cursor.count("i", name, *limits.get(name, (-most - 1, most))) for name in names}
    if version == 11 and numbers["model"] == SUPERVISED:
        numbers["maxn"] = 0  # classifiers of that version use no n-grams of characters, whatever they say
    t = cursor.number("d", "t")
    return Args(**numbers, t=t if np.isfinite(t) else 0.0)


def _read_dictionary(cursor: Cursor, args: Args) -> tuple[list[str], list[str], NDArray[np.int64], int, dict[int, int] | None]:
    """(words, labels, counts, tokens, pruned buckets)."""
    size = cursor.count("i", "the size of the dictionary", 1, cursor.left // 10)
    word_count = cursor.count("i", "the number of words", 0, size)
    cursor.count("i", "the number of labels", size - word_count, size - word_count)
    tokens = cursor.count("q", "the number of tokens", 0, 2**62)
    prune_size = cursor.count("q", "the number of pruned buckets", -1, cursor.left // 8)
    entries: list[str] = []
    counts = np.zeros(size, np.int64)
    data = memoryview(cursor.data)  # type: ignore[arg-type]
    for row in range(size):
        entry, cursor.position = _read_word(cursor, data, row, size)
        counts[row] = cursor.count("q", f"the count of {entry!r}", 0, 2**62)
        kind = cursor.data[cursor.position]
        if kind != (row >= word_count):
            raise cursor.wrong(f"the kind of {entry!r}", kind, int(row >= word_count))
        cursor.position += 1
        entries.append(entry)
    if len(set(entries)) < size:
        double = next(entry for row, entry in enumerate(entries) if entries.index(entry) != row)
        raise cursor.wrong(f"the dictionary, in which {double!r} is there twice,", "not unique", "each word once")
    pruned = None
    if prune_size >= 0:
        pairs = cursor.array("<i4", (prune_size, 2), "the list of pruned buckets")
        pruned = dict(pairs.tolist())
        bounds = (min(args.bucket, _MOST_PRUNED), prune_size)
        inside = not prune_size or (pairs.min() >= 0 and bool((pairs.max(axis=0) < bounds).all()))
        if not inside or args.bucket > _MOST_PRUNED or len(pruned) < prune_size:
            raise cursor.wrong("the list of pruned buckets", "out of range or not unique", f"below {bounds[0]} and {bounds[1]}")
    return entries[:word_count], entries[word_count:], counts, tokens, pruned


def _read_word(cursor: Cursor, data: memoryview, row: int, size: int) -> tuple[str, int]:
    """The text up to a zero byte, after which nine bytes more must be there."""
    begin, window = cursor.position, 256
    while True:
        piece = bytes(data[begin : begin + window])
        length = piece.find(b"\0")
        if length >= 0 or len(piece) < window:
            break
        window *= 8
    cursor.require(max(length, 0) + 10, f"entry {row + 1} of {size} of the dictionary")
    if length <= 0:
        raise cursor.wrong(f"the length of entry {row + 1} of the dictionary", max(length, 0), "at least 1")
    return piece[:length].decode("utf-8", "surrogateescape"), begin + length + 1


def _read_matrix(cursor: Cursor, shape: tuple[int, int], what: str, *, quantised: bool) -> Matrix:
    """A mapped dense matrix, or a quantised one, of the shape that settings and dictionary ask for."""
    if quantised:
        return read_quantised(cursor, shape, what)
    cursor.count("q", f"rows of {what}", shape[0], shape[0])
    cursor.count("q", f"columns of {what}", shape[1], shape[1])
    begin = cursor.position
    matrix = np.require(cursor.array("<f4", shape, what), requirements="A")
    for block in row_blocks(matrix):
        bad = ~np.isfinite(matrix[block])
        if bad.any():
            cursor.position = begin + 4 * (block.start * shape[1] + int(np.argmax(bad)))
            raise cursor.wrong(f"a number of {what}", "not finite", "a finite one")
    return matrix
