"""What to learn a tokenizer with."""

from __future__ import annotations

from dataclasses import dataclass

from hornbook.core.errors import UsageError, nearest

KINDS = ("bpe", "wordpiece", "unigram", "chars", "words", "bytes")
DEFAULT_SIZE = 8192


@dataclass(frozen=True)
class TokenizerConfig:
    """How a tokenizer is learned; every kind is lossless unless `closed_vocabulary` or `lowercase` says otherwise.

    size: largest vocabulary, special tokens and bytes included; a small text may fill less of it. Kind `bytes` has 262.
        With `closed_vocabulary` the default size and 0 both mean every word of the text, another number the most frequent.
    closed_vocabulary: only for kind `words`: words are what stands between spaces, the rest is a literal <unk> that is an
        ordinary type, as Penn Treebank and WikiText-2 are scored. Not lossless: line ends, spaces and rare words are gone.
    lowercase: fold capitals first; decoding gives the lower-case text.
    memory_mb: memory that learning may add to the process, in 10^6 bytes; a larger text is sampled evenly.
    seed: of that sample.
    """

    kind: str = "bpe"
    size: int = DEFAULT_SIZE
    closed_vocabulary: bool = False
    lowercase: bool = False
    memory_mb: int = 1000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError("unknown tokenizer '{kind}'.{hint}", kind=self.kind, hint=nearest(self.kind, KINDS))
        if self.closed_vocabulary and self.kind != "words":
            raise UsageError("a closed vocabulary needs tokenizer words, not {kind}", kind=self.kind)
        if self.memory_mb < 1:
            raise UsageError("memory_mb = {memory} is too little: give at least 1", memory=self.memory_mb)
        least = self.smallest_size
        if self.size < least and not (self.closed_vocabulary and self.size == 0):
            raise UsageError(
                "a {kind} tokenizer needs a size of at least {least} (bytes and special tokens), not {size}",
                kind=self.kind,
                least=least,
                size=self.size,
            )

    @property
    def smallest_size(self) -> int:
        """Special tokens plus the bytes that make the kind lossless."""
        if self.closed_vocabulary:
            return 7
        return 6 + (512 if self.kind == "wordpiece" else 256)
