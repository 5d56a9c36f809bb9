"""The Huffman tree of hierarchical softmax: common words near the root (Mikolov et al. 2013b, section 2.1).

An output costs about log2 V decisions, fewer for common words: their average is within one of the entropy of the unigram
distribution in bits (Huffman 1952).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.hierarchical_kernels import Tree, cbow_hierarchical, skipgram_hierarchical

__all__ = ["Tree", "cbow_hierarchical", "huffman_tree", "skipgram_hierarchical"]


def huffman_tree(counts: NDArray[np.int64]) -> Tree:
    """The tree over counts (V,), commonest first; inner nodes and codes are those of word2vec.c (CreateBinaryTree).

    Inner nodes are numbered in the order in which they are made, the root is V - 2. Of two children, the rarer gets code 0.
    """
    parents, codes = join(np.asarray(counts, np.int64))
    lengths = np.empty(counts.size, np.int64)
    _measure(parents, lengths)
    starts = np.zeros(counts.size + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    points, path_codes = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.uint8)
    _walk(parents, codes, starts, points, path_codes)
    return Tree(points, path_codes, starts, int(lengths.max(initial=0)))


@njit(cache=True, nogil=True)
def join(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """(2 V - 1,) parent of each node, words first, and its code. Two queues, both rising: words from the rarest, nodes made."""
    words = counts.size
    totals = np.empty(2 * words - 1, np.int64)
    totals[:words] = counts
    parents = np.full(2 * words - 1, -1, np.int64)
    codes = np.zeros(2 * words - 1, np.uint8)
    word, node = words - 1, words
    for made in range(words, 2 * words - 1):
        total = np.int64(0)
        for code in range(2):
            if word >= 0 and (node >= made or totals[word] < totals[node]):
                child = word
                word -= 1
            else:
                child = node
                node += 1
            parents[child] = made
            codes[child] = code
            total += totals[child]
        totals[made] = total
    return parents, codes


@njit(cache=True, nogil=True)
def _measure(parents: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
    """Length of the path from the root to each word."""
    depths = np.zeros(parents.size, np.int64)
    for node in range(parents.size - 2, -1, -1):  # a parent has a higher number than its children
        depths[node] = depths[parents[node]] + 1
    lengths[:] = depths[: lengths.size]


@njit(cache=True, nogil=True)
def _walk(
    parents: NDArray[np.int64],
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    points: NDArray[np.int32],
    path_codes: NDArray[np.uint8],
) -> None:
    """Fill the path of every word from its end."""
    words = starts.size - 1
    for word in range(words):
        node = word
        for place in range(starts[word + 1] - 1, starts[word] - 1, -1):
            path_codes[place] = codes[node]
            node = parents[node]
            points[place] = node - words
