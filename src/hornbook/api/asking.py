"""Ask a saved model: neighbours, analogies, next words, answers, missing words, continuations; export it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.api.opening import load, open_any, open_language_model
from hornbook.api.texts import Log, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hornbook.scoring.gaps import Filled
    from hornbook.statistical.listing import Listing


def neighbours(model: str | Path, words: Sequence[str], *, top: int = 10) -> list[tuple[str, list[tuple[str, float]]]]:
    """Each word with its nearest words and their cosines, the nearest first; `model` is a folder or a file of vectors.

    Raises UsageError for a word that has no vector, naming near spellings.
    """
    from hornbook.tasks.vectors import open_vectors

    return list(zip(words, open_vectors(model).neighbours(list(words), top), strict=True))


def analogy(model: str | Path, a: str, b: str, c: str, *, top: int = 5, method: str = "add") -> list[tuple[str, float]]:
    """Words that are to c as b is to a, with their scores; `method` is "add" (3CosAdd) or "multiply" (3CosMul)."""
    from hornbook.tasks import vectors

    return vectors.analogy(vectors.open_vectors(model), a, b, c, top=top, method=method)


def export(model: str | Path, output: str | Path, *, to: str = "word2vec", log: Log = silent) -> dict[str, Any]:
    """Write a model as one file that other programs open: word vectors as word2vec, word2vec-text, glove or fasttext; an n-gram
    model as arpa.
    """
    from hornbook.tasks import ngrams, vectors

    if to == "arpa":
        return ngrams.export_arpa(ngrams.require_ngram(load(model), model), Path(output), log=log)
    return vectors.export(vectors.open_vectors(model), Path(output), to=to)


def next_words(model: str | Path, context: str, *, top: int = 10) -> Listing:
    """The likeliest tokens after a context by an n-gram model: P(next | context) and how often each stood there in training."""
    from hornbook.statistical.listing import next_words as list_next
    from hornbook.tasks.ngrams import require_ngram

    return list_next(require_ngram(load(model), model), context, top=top)


def predict(
    model: str | Path, inputs: Iterable[str | Sequence[str]], *, top: int = 1, together: int = 512
) -> Iterator[dict[str, Any]]:
    """The answer of a saved tagger, classifier or segmenter to every input (a text, or the tokens of a sentence), in order.

    Each is what a line of `hornbook predict` holds. An empty input gets null and a reason; TypeError with the index for what is
    neither a text nor a list of texts.
    """
    from hornbook.tasks.predict import predictions

    return predictions(load(model), inputs, where=model, top=top, together=together)


def fill(model: str | Path, texts: str | Sequence[str], *, top: int = 5, longest: int = 1) -> list[Filled]:
    """The likeliest words for the gaps ([MASK], <mask>, ___) of each text, with their probabilities; `model` is a folder.

    A language model weighs both sides of a gap: P(left) P(word | left) P(right | left, word), over the candidates. A model that
    guesses hidden tokens gives P(token | text), or with `longest` above 1 words of up to so many tokens. UsageError for a text
    without a gap.
    """
    from hornbook.tasks.fill import fill_texts

    return fill_texts(load(model), [texts] if isinstance(texts, str) else list(texts), top=top, longest=longest, where=model)


def embed(
    model: str | Path, texts: Sequence[str], *, together: int = 512, normalise: bool = False, log: Log = silent
) -> NDArray[np.float32]:
    """(n, d) vectors of texts by a saved model of any generation that has them; `normalise` makes their length 1.

    Word vectors, hidden Markov models, recurrent networks, GPT, BERT; see `hornbook.tasks.embed.embedder`. `together` texts are
    read at a time. An empty text gets zeros. UsageError for a model without vectors of texts.
    """
    import numpy as np

    from hornbook.tasks.embed import embed_texts

    opened = open_any(model, log=log)
    parts = list(embed_texts(opened, texts, together=together, normalise=normalise, where=model, log=log))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def embed_to_file(
    model: str | Path,
    texts: Sequence[str],
    output: str | Path,
    *,
    together: int = 512,
    normalise: bool = False,
    log: Log = silent,
) -> dict[str, Any]:
    """`embed` into a file, .npy or .jsonl, part by part; returns file, texts and dimensions."""
    from hornbook.tasks.embed import embed_texts, write_vectors

    parts = embed_texts(open_any(model, log=log), texts, together=together, normalise=normalise, where=model, log=log)
    count, width = write_vectors(Path(output), texts, parts)
    return {"file": str(output), "texts": count, "dimensions": width}


def generate(model: str | Path, prompts: Sequence[str] = ("",), *, width: int = 0, **settings: Any) -> list[str]:
    """Continue each prompt; `settings` are those of `decoding.GenerationConfig` (max_tokens, temperature, top_p, seed, ...).

    With `width` above 0 the most probable continuation that a beam search of that width finds.
    """
    from hornbook.decoding import BeamConfig, GenerationConfig, beam_search
    from hornbook.decoding import generate as continue_prompts

    opened = open_language_model(model)
    if width:
        config = BeamConfig(beams=width, max_tokens=settings.get("max_tokens", 200))
        return [beams[0].text for beams in beam_search(opened, list(prompts), config)]
    return [found.text for found in continue_prompts(opened, list(prompts), GenerationConfig(**settings))]
