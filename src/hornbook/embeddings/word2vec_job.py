"""From a configuration and a corpus to the job that the rounds do: subsampling, kernel, starting values, identity."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.core.runtime import available_cores, local_ranks
from hornbook.embeddings import sampling
from hornbook.embeddings.kernels import InputRows, Plan
from hornbook.embeddings.rounds import Job, padded
from hornbook.embeddings.tile_kernels import ROWS
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec import Word2VecConfig
from hornbook.embeddings.words import Sentences, Vocabulary

_BLOCKS = {"skipgram": 32, "cbow": 64}  # centres trained together, at most: a mean of CBOW is one pair, a word of skip-gram six
_FAR = 1.0  # how far the centres of a block may move one vector together, relative to the one it meets
_LEAST_KEPT = 10_000  # words an epoch; subsampling that leaves fewer is switched off
_LEAST_SHARE = 0.1  # of the text, as well


def prepare(
    config: Word2VecConfig,
    vocabulary: Vocabulary,
    sentences: Sentences,
    words: InputRows,
    inputs: NDArray[np.float32],
    *,
    initial: WordVectors | None,
) -> tuple[Job, list[Event]]:
    """The job, and what was decided on the way. `inputs` (R, padded width) holds the rows at the start."""
    threads = config.threads or max(1, available_cores() // local_ranks())
    keep, events = subsampling(vocabulary, sentences.ids.size, config.sample)
    text = sampling.cut_text(sentences, keep, sampling.chunk_bounds(sentences.ids.size, threads))
    threads = max(1, min(threads, text.chunks.size - 1))
    shares = keep * vocabulary.counts / (keep * vocabulary.counts).sum()
    block = block_size(config, shares, words)
    kernel, targets, output_shares, most_of_word = _method(config, vocabulary, shares, block)
    longest = int(np.diff(text.sentences[text.chunks]).max())
    outputs = padded(output_shares.size, config.dimensions)
    if initial is not None and initial.context is not None and config.loss == "negative":
        known, given = known_rows(vocabulary, initial, config.dimensions)
        outputs[known, : config.dimensions] = initial.context[given]
    plan = Plan(
        seed=config.seed,
        epochs=config.epochs,
        window=config.window,
        block=block,
        negative=config.negative,
        shared=config.shared,
        rate=config.rate,
        last_rate=min(config.min_learning_rate, config.rate),
    )
    job = Job(
        kernel=kernel,
        text=text,
        words=words,
        targets=targets,
        plan=plan,
        inputs=inputs,
        outputs=outputs,
        input_shares=row_shares(shares, words.rows, words.starts, len(inputs)),
        output_shares=output_shares,
        input_capacity=sampling.most_rows(text, words),
        output_capacity=longest * most_of_word + (longest // block + 1) * config.shared,
        threads=threads,
        racy=config.racy,
        total_words=sentences.total_words,
        dimensions=config.dimensions,
        identity=_identity(config, threads, vocabulary, sentences),
    )
    return job, events


def subsampling(vocabulary: Vocabulary, tokens: int, sample: float) -> tuple[NDArray[np.float64], list[Event]]:
    """Probability that each word's occurrence stays, (V,); all stay, with an alarm, where too little would be left."""
    keep = sampling.keep_probabilities(vocabulary.counts, tokens, sample)
    left = float((keep * vocabulary.counts).sum())
    if sample <= 0 or left >= max(_LEAST_KEPT, _LEAST_SHARE * tokens) or left == tokens:
        note = translate("subsampling keeps about {left:,.0f} of {tokens:,} words an epoch")
        return keep, [Note(note.format(left=left, tokens=tokens))]
    text = translate(
        "the text is small: subsampling at {sample} would leave {left:,.0f} of {tokens:,} words, so it is switched off"
    )
    remedy = translate("give more text; sample = 0 says that this is meant")
    alarm = Alarm(text.format(sample=sample, left=left, tokens=tokens), remedy)
    return np.ones(keep.size), [alarm]


def row_shares(
    shares: NDArray[np.float64], rows: NDArray[np.int32], starts: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """(count,) the share of a text's words that have each row, from that of each word, (V,), and the rows of words."""
    return np.asarray(np.bincount(rows, np.repeat(shares, np.diff(starts)), count), np.float64)


def block_size(config: Word2VecConfig, shares: NDArray[np.float64], words: InputRows) -> int:
    """Centres trained at once: 32 (CBOW 64), fewer where they are so alike that the sum of their steps would overshoot.

    All centres of a block take their steps from the same point. In a small vocabulary, or where words share most of their
    n-grams, many of these steps go to the same rows; beyond a point their sum grows without limit. `shares` (V,) are those
    of each word in the text after subsampling.
    """
    seen = row_shares(shares, words.rows, words.starts, 0)  # how often a centre has the row
    moved = row_shares(shares / np.diff(words.starts), words.rows, words.starts, 0)  # by how much the row moves a centre
    together = float(seen @ moved)  # part of one centre's step that another one feels
    most = int(_FAR / (together * config.rate * (config.window + 1) * (config.negative + 1)))
    return min(_BLOCKS[config.model], most // ROWS * ROWS if most > ROWS else max(1, most))


def random_rows(rows: int, dimensions: int, half_width: float, seed: int) -> NDArray[np.float32]:
    """Rows even in +-half_width, columns padded with 0."""
    matrix = padded(rows, dimensions)
    generator = np.random.default_rng(seed)
    step = max(1, (1 << 22) // dimensions)
    for first in range(0, rows, step):
        part = matrix[first : first + step, :dimensions]
        part[:] = (generator.random(part.shape, dtype=np.float32) - np.float32(0.5)) * np.float32(2 * half_width)
    return matrix


def known_rows(vocabulary: Vocabulary, given: WordVectors, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words that both know: their rows in the vocabulary and in the given vectors. UsageError for another width."""
    if given.vector_size != dimensions:
        raise UsageError(
            "the given vectors have {found} dimensions, dimensions is {expected}: give the same",
            found=given.vector_size,
            expected=dimensions,
        )
    pairs = [(row, given.key_to_index[word]) for row, word in enumerate(vocabulary.words) if word in given.key_to_index]
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _method(
    config: Word2VecConfig, vocabulary: Vocabulary, shares: NDArray[np.float64], block: int
) -> tuple[Callable[..., None], Any, NDArray[np.float64], int]:
    """Kernel, its targets, on how many words each row of the output table makes a step, and most rows that a word touches."""
    if config.loss == "hierarchical":
        from hornbook.embeddings import hierarchical

        tree = hierarchical.huffman_tree(vocabulary.counts)
        kernels = {"skipgram": hierarchical.skipgram_hierarchical, "cbow": hierarchical.cbow_hierarchical}
        steps = row_shares(shares, tree.points, tree.starts, len(vocabulary) - 1)
        return kernels[config.model], tree, steps, int(np.diff(tree.starts).max())
    from hornbook.embeddings.negative_kernels import cbow_negative, skipgram_negative

    noise = sampling.alias_table(vocabulary.counts, config.noise_power)
    drawn = np.maximum(vocabulary.counts, 1) ** config.noise_power
    steps = shares + drawn / drawn.sum() * config.shared / block
    return (skipgram_negative if config.model == "skipgram" else cbow_negative), noise, steps, 1


def _identity(config: Word2VecConfig, threads: int, vocabulary: Vocabulary, sentences: Sentences) -> dict[str, Any]:
    """What must not change between a run and its resumption."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (sentences.ids, sentences.starts, vocabulary.counts):
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    digest.update("\n".join(vocabulary.words).encode("utf-8", "surrogatepass"))
    return {**asdict(config), "threads": threads, "corpus": digest.hexdigest()}
