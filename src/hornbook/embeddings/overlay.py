"""Several threads on one matrix with one result: each changes copies of its own, and the changes are added in thread order.

During a round the matrix stands still. A thread copies a row at the first touch and works on its copy; when all have
finished their share, the differences are added, row by row, first thread first. The rows are dealt out to the threads for
this, which changes nothing in the sums. Nothing grows with the number of threads but the copies of the rows of one chunk.

Changes of several threads to one row are not always to be summed. A row that each touched once or twice goes as far as if one
thread had made all the steps. A row that each touched a thousand times was brought by each alone to about where the text
draws it; the sum goes that way once for every thread, and overshoots. So m changes are added with the weight

    (1 + q) / (1 + m q),    q = steps a thread made on the row * learning rate / _FAR,

which is 1, the sum, for small q, and 1 / m, the mean, for large q.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import Table

_FAR = 5.0  # steps at a learning rate of 1 that halve the way of a row to where one chunk draws it
_RUN = 6  # rows are dealt out in runs of 2 ** 6, so that threads do not write to one cache line


class Overlay:
    """A matrix with the copies of `threads` threads; one thread, or `direct`, has none and changes the matrix at once.

    `shares` (R,): on how many of the words of a text a row makes a step.
    """

    def __init__(
        self, matrix: NDArray[np.float32], shares: NDArray[np.float64], *, threads: int, capacity: int, direct: bool
    ) -> None:
        rows, width = matrix.shape
        self.matrix = matrix
        self._shares = (shares / _FAR).astype(np.float32)
        self.threads = 0 if direct else threads
        capacity = min(capacity, rows)
        self._copies = np.empty((self.threads, capacity, width), dtype=np.float32)
        self._slots = np.full((self.threads, rows), -1, dtype=np.int32)
        self._touched = np.empty((self.threads, capacity), dtype=np.int32)
        self._used = np.zeros((self.threads, 1), dtype=np.int64)

    def tables(self, threads: int) -> list[Table]:
        """What each thread's kernel is given."""
        if self.threads == 0:
            none = np.zeros(0, dtype=np.int32)
            return [Table(self.matrix, self.matrix, none, none, np.zeros(1, dtype=np.int64)) for _ in range(threads)]
        parts = zip(self._copies, self._slots, self._touched, self._used, strict=True)
        return [Table(self.matrix, *arrays) for arrays in parts]

    def merge(self, part: int, parts: int, steps: float) -> None:
        """Add the changes in the `part`-th of `parts` shares of the rows. `steps`: words of a chunk by the learning rate."""
        _merge(self.matrix, self._copies, self._slots, self._touched, self._used, self._shares, part, parts, np.float32(steps))

    def clear(self) -> None:
        """Begin the next round; every part has been merged."""
        self._used[:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _merge(
    base: NDArray[np.float32],
    copies: NDArray[np.float32],
    slots: NDArray[np.int32],
    touched: NDArray[np.int32],
    used: NDArray[np.int64],
    shares: NDArray[np.float32],
    part: int,
    parts: int,
    steps: np.float32,
) -> None:
    threads, width = copies.shape[0], base.shape[1]
    old = np.empty(width, dtype=np.float32)
    for thread in range(threads):
        for place in range(used[thread, 0]):
            row = np.int64(touched[thread, place])
            if (row >> _RUN) % parts != part or slots[thread, row] < 0:  # another part's, or added with an earlier thread's
                continue
            slots[thread, row] = -1
            for k in range(width):
                old[k] = base[row, k]
                base[row, k] = copies[thread, place, k]
            changes = 1
            for later in range(thread + 1, threads):
                slot = np.int64(slots[later, row])
                if slot >= 0:
                    changes += 1
                    slots[later, row] = -1
                    for k in range(width):
                        base[row, k] += copies[later, slot, k] - old[k]
            if changes > 1:
                far = shares[row] * steps
                weight = (np.float32(1) + far) / (np.float32(1) + np.float32(changes) * far)
                for k in range(width):
                    base[row, k] = old[k] + weight * (base[row, k] - old[k])
