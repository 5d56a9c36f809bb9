"""Compiled loop behind word_starts.py."""

from __future__ import annotations

from typing import Any

from numba import njit

from hornbook.corpus.token_texts import BLANK, INSIDE, LETTER, UNSPACED_LETTER


@njit(cache=True, nogil=True)
def mark_starts(tokens: Any, documents: Any, first: Any, last: Any, cut: Any, state: Any, flags: Any, open_to: Any) -> None:
    """Set flags (n,) where a word begins, and open_to (n,) where a segmenter may decide, next to unspaced text.

    documents: where documents begin, sorted; first, last (V,) kinds of characters; cut (V,) where the first kind is a guess, so
    that it may be unspaced text too; state (1,) the kind of the character before, kept from call to call. Letters go on with a
    word after letters and after the space before it; everything else begins one, but for bytes inside a character.
    """
    before, document = state[0], 0
    for place in range(tokens.size):
        token = tokens[place]
        opens, closes = first[token], last[token]
        if document < documents.size and documents[document] == place:
            document += 1
            flags[place] = True
        elif opens == INSIDE:
            flags[place] = False
        else:
            flags[place] = opens != LETTER or (before != LETTER and before != BLANK)
            open_to[place] = cut[token] or opens == UNSPACED_LETTER or before == UNSPACED_LETTER
        if closes != INSIDE:
            before = closes
    state[0] = before
