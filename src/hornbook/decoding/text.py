"""Ids to text while they arrive: whole characters only, cut before the first stop string."""

from __future__ import annotations

from collections.abc import Sequence

from hornbook.core.types import Tokenizer

_REPLACEMENT = "\ufffd"  # what a tokenizer gives for bytes that are not yet a character
_PATIENCE = 8  # tokens after which bytes that still make no character are let through as they are
_WINDOW = 8  # tokens decoded together with a new one, because a token's text can depend on its neighbours


class TextStream:
    """The continuation of a prompt as text. `text` is all of it so far; `stopped` says that a stop string ended it."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int], stop: Sequence[str] = ()) -> None:
        self.text = ""
        self.stopped = False
        self._tokenizer = tokenizer
        self._stop = [string for string in stop if string]
        self._ids = [int(number) for number in prompt[-_WINDOW:]]
        self._from, self._read = 0, len(self._ids)
        self._shown = 0

    def push(self, number: int) -> str:
        """Add one id; return the text that is now certain: whole characters that no stop string can take back."""
        self._ids.append(int(number))
        patient = len(self._ids) - self._read < _PATIENCE
        return self._show(self._decode(patient), last=False)

    def finish(self) -> str:
        """The rest, once no id follows: a character cut in the middle becomes U+FFFD."""
        return self._show(self._decode(False), last=True)

    def _decode(self, patient: bool) -> str:
        known = self._tokenizer.decode(self._ids[self._from : self._read])
        whole = self._tokenizer.decode(self._ids[self._from :])
        if len(whole) <= len(known) or (patient and whole.endswith(_REPLACEMENT)):
            return ""
        self._from, self._read = max(0, self._read - _WINDOW), len(self._ids)
        del self._ids[: self._from]
        self._read, self._from = self._read - self._from, 0
        return whole[len(known) :]

    def _show(self, piece: str, *, last: bool) -> str:
        if not self.stopped:
            searched = max(0, len(self.text) - max(map(len, self._stop), default=0))
            self.text += piece
            ends = [at for string in self._stop if (at := self.text.find(string, searched)) >= 0]
            if ends:
                self.text, self.stopped = self.text[: min(ends)], True
        held = 0 if last or self.stopped else self._possible_stop()
        certain = max(self._shown, len(self.text) - held)
        shown, self._shown = self.text[self._shown : certain], certain
        return shown

    def _possible_stop(self) -> int:
        """Length of the longest end of the text with which a stop string begins."""
        lengths = (n for string in self._stop for n in range(len(string) - 1, 0, -1) if self.text.endswith(string[:n]))
        return max(lengths, default=0)
