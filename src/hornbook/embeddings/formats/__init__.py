"""Files of word vectors: recognised by their content, checked before anything is allocated, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, nearest, translate
from hornbook.core.events import Note
from hornbook.embeddings.formats.reading import Duplicates, Log, ReadOptions
from hornbook.embeddings.vectors import WordVectors

__all__ = ["FORMATS", "Format", "guess_format", "load_vectors", "save_vectors"]

Format: TypeAlias = Literal["auto", "word2vec-text", "word2vec-binary", "glove", "fasttext", "folder"]
FORMATS = ("word2vec-text", "word2vec-binary", "glove", "fasttext", "folder")
_FOREIGN = {  # first bytes of files that are often taken for vectors, and what to do about each
    b"\x1f\x8b": "gzip data: unpack it with gunzip first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"BZh": "bzip2 data: unpack it with bunzip2 first",
    b"\xfd7zXZ": "xz data: unpack it with unxz first",
    b"\x80\x03": "a pickle, which can run code: open it in gensim and call save_word2vec_format",
    b"\x80\x04": "a pickle, which can run code: open it in gensim and call save_word2vec_format",
    b"\x80\x05": "a pickle, which can run code: open it in gensim and call save_word2vec_format",
    b"\x93NUMPY": "a numpy array without its words",
    b"\xff\xfe": "UTF-16 text: convert it to UTF-8",
}


def load_vectors(
    path: str | Path,
    format: Format = "auto",
    *,
    limit: int | None = None,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    on_duplicates: Duplicates = "refuse",
    log: Log | None = None,
) -> WordVectors:
    """Read word vectors from a file or a saved folder; 'auto' guesses the format from the content and says so.

    `limit` reads the first words only. ContentError names the file, the line or byte, what was expected and what to do.
    """
    from hornbook.embeddings.formats import fasttext, glove, word2vec

    path = Path(path)
    if limit is not None and limit < 1:
        raise UsageError("limit = {limit}: read at least one word", limit=limit)
    chosen = guess_format(path) if format == "auto" else format
    if chosen not in FORMATS:
        raise UsageError("unknown format '{format}'.{hint}", format=chosen, hint=nearest(chosen, FORMATS))
    options = ReadOptions(limit, encoding, unicode_errors, on_duplicates)
    readers = {
        "word2vec-text": word2vec.read_text,
        "word2vec-binary": word2vec.read_binary,
        "glove": glove.read_glove,
        "fasttext": fasttext.read_vectors,
    }
    vectors = WordVectors.load(path) if chosen == "folder" else readers[chosen](path, options)
    if log and format == "auto":
        template = "{path} read as {format}: {words} words, {size} dimensions"
        log(Note(translate(template).format(path=path, format=chosen, words=len(vectors), size=vectors.vector_size)))
    return vectors


def save_vectors(vectors: WordVectors, path: str | Path, format: Format = "word2vec-binary") -> None:
    """Write one file (or, for 'folder', a folder with its manifest), whole or not at all. Raises DiskFullError."""
    from hornbook.core.artifact import writing
    from hornbook.embeddings.formats import fasttext, word2vec

    path = Path(path)
    if format == "folder":
        with writing(path, what="word vectors") as folder:
            vectors.save_files(folder)
    elif format == "word2vec-binary":
        word2vec.write_binary(vectors, path)
    elif format == "fasttext":
        fasttext.write_fasttext(vectors, path)
    elif format in ("word2vec-text", "glove"):
        word2vec.write_text(vectors, path, header=format == "word2vec-text")
    else:
        raise UsageError("unknown format '{format}'.{hint}", format=format, hint=nearest(format, FORMATS))


def guess_format(path: Path) -> Format:
    """What a file or folder holds, from its first bytes. ContentError when it is nothing of the kind."""
    from hornbook.embeddings.formats import glove, word2vec
    from hornbook.embeddings.formats.fasttext import MAGIC
    from hornbook.embeddings.formats.reading import map_bytes

    if path.is_dir() and (path / "config.json").is_file():
        return "folder"
    data: NDArray[np.uint8] = map_bytes(path)
    start = data[:16].tobytes()
    if start.startswith(MAGIC):
        return "fasttext"
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise ContentError("{path} is {what}", path=path, what=what)
    header = word2vec.read_header(data)
    if header:
        return "word2vec-binary" if word2vec.looks_binary(data, *header[1:]) else "word2vec-text"
    if glove.dimensions(data) is None:
        raise ContentError(
            "{path} holds no word vectors: neither the first bytes of fastText, nor 'words dimensions', nor a word and numbers",
            path=path,
        )
    return "glove"
