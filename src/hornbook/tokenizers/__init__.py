"""Text to token ids and back: byte-level BPE, WordPiece, Unigram, characters, words and bytes. Imports no torch."""

from hornbook.tokenizers.config import KINDS, TokenizerConfig
from hornbook.tokenizers.load import load_tokenizer
from hornbook.tokenizers.report import TokenizerReport, refuse_flooded, tokenizer_report
from hornbook.tokenizers.tokenizer import TextTokenizer
from hornbook.tokenizers.train import train_tokenizer

__all__ = [
    "KINDS",
    "TextTokenizer",
    "TokenizerConfig",
    "TokenizerReport",
    "load_tokenizer",
    "refuse_flooded",
    "tokenizer_report",
    "train_tokenizer",
]
