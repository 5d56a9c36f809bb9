"""What vectors know: analogies and similarity judgements, with what they could not answer counted and a 95 % interval."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Note
from hornbook.embeddings.formats.reading import Log
from hornbook.embeddings.statistics import correlation_interval, pearson, share_interval, spearman
from hornbook.embeddings.table import TINY

if TYPE_CHECKING:
    from hornbook.embeddings.vectors import WordVectors

Method: TypeAlias = Literal["3cosadd", "3cosmul"]
Question: TypeAlias = tuple[str, str, str, str]
Pair: TypeAlias = tuple[str, str, float]

_WORDS_AT_ONCE = 8192  # of the vocabulary
_NAMES = {  # part of a file's name, lower case without punctuation -> name of the test
    "ws353all": "wordsim353",
    "ws353sim": "wordsim353_similarity",
    "ws353rel": "wordsim353_relatedness",
    "wordsim353": "wordsim353",
    "simlex999": "simlex999",
    "men": "men",
    "mentr3k": "men",
    "mturk287": "mturk287",
    "mturk771": "mturk771",
    "rg65": "rg65",
    "mc30": "mc30",
    "rwstanford": "rare_words",
    "simverb3500": "simverb3500",
    "verb143": "verb143",
    "yp130": "yp130",
    "wordsim240": "wordsim240",
    "wordsim297": "wordsim297",
    "questionswords": "analogy",
    "cweanalogy": "cwe_analogy",
    "ca8morphological": "ca8_morphological",
    "ca8semantic": "ca8_semantic",
}


@dataclass(frozen=True)
class IntrinsicScore:
    """One test. `score` is a share of right answers or Spearman's correlation, over the `covered` of `total` items.

    The interval takes the items for independent; analogies share words, so theirs is a little too narrow.
    """

    kind: Literal["analogy", "similarity", "triplets"]
    score: float
    ci95: tuple[float, float]
    covered: int  # items all of whose words have a vector
    total: int
    pearson: float = math.nan  # of similarity judgements

    @property
    def coverage(self) -> float:
        """Share of the items that could be answered."""
        return self.covered / self.total if self.total else 0.0


def evaluate_vectors(
    vectors: WordVectors,
    tests: Sequence[Path],
    *,
    method: Method = "3cosadd",
    restrict_vocab: int | None = None,
    log: Log | None = None,
) -> dict[str, IntrinsicScore]:
    """Take the tests in files or folders; each file's kind is guessed from its lines and said. ContentError for no test.

    Google's questions-words gives analogy_semantic and analogy_syntactic, other files one result under a short name. Case is
    ignored; a word that is no word of the vocabulary is unknown, even where subwords could make up a vector for it.
    """
    files = [file for path in tests for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    results: dict[str, IntrinsicScore] = {}
    for file in files:
        if not file.is_file():
            raise UsageError("{path} does not exist", path=file)
        if file.suffix.lower() in (".md", ".json", ".toml") or file.name.upper().startswith(("README", "LICEN")):
            continue
        name, found = test_name(file), guess_test(file)
        if log:
            template = "{path} read as a test of {kind}, named {name}"
            log(Note(translate(template).format(path=file, kind=found, name=name)))
        if found == "similarity":
            results[name] = evaluate_pairs(vectors, read_pairs(file), restrict_vocab=restrict_vocab)
            continue
        sections = evaluate_analogies(vectors, read_analogies(file), method=method, restrict_vocab=restrict_vocab)
        results |= _analogy_totals(name, sections)
    if not results:
        raise ContentError("no test of word vectors in {paths}", paths=", ".join(map(str, tests)))
    return results


def as_record(results: Mapping[str, IntrinsicScore]) -> dict[str, Any]:
    """Flat, for JSON: NAME, NAME_ci95, NAME_coverage, NAME_n of every test; NAME is None where nothing could be answered."""
    record: dict[str, Any] = {}
    for name, result in results.items():
        record[name] = result.score if math.isfinite(result.score) else None
        record |= {f"{name}_ci95": list(result.ci95), f"{name}_coverage": result.coverage, f"{name}_n": result.covered}
    return record


def test_name(file: Path) -> str:
    """The test's name in results: that of a well-known file, else the file's own in lower case."""
    plain = re.sub(r"[^a-z0-9]", "", file.stem.lower())
    for prefix in ("", "en", "zh"):
        if plain.startswith(prefix) and plain[len(prefix) :] in _NAMES:
            return _NAMES[plain[len(prefix) :]]
    return re.sub(r"[^0-9a-z]+", "_", file.stem.lower()).strip("_") or "test"


def guess_test(file: Path) -> Literal["analogy", "similarity"]:
    """What a file's first lines look like. ContentError when neither."""
    for line in _lines(file)[:20]:
        if line.startswith(":") or (len(line.split()) == 4 and not _number(line.split()[-1])):
            return "analogy"
        if len(_fields(line)) == 3 and _number(_fields(line)[2]):
            return "similarity"
    raise ContentError("{path} is no test of word vectors: expected lines 'word word number' or 'a b c d'", path=file)


def read_pairs(file: Path) -> list[Pair]:
    """(word, word, judgement) of lines between tabs, semicolons, commas or blanks; a heading and # lines are skipped."""
    pairs: list[Pair] = []
    for number, line in enumerate(_lines(file), start=1):
        fields = _fields(line)
        if len(fields) == 3 and _number(fields[2]):
            pairs.append((fields[0], fields[1], float(fields[2])))
        elif line.strip() and not line.startswith("#") and number > 1:
            raise ContentError(
                "{path}, line {line}: expected two words and a number, found '{text}'", path=file, line=number, text=line[:60]
            )
    return pairs


def read_analogies(file: Path) -> dict[str, list[Question]]:
    """Section -> questions a b c d; lines ': NAME' begin a section, the first may lack one."""
    sections: dict[str, list[Question]] = {}
    section = ""
    for number, line in enumerate(_lines(file), start=1):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip()
            sections.setdefault(section, [])
        elif len(words) == 4:
            sections.setdefault(section, []).append((words[0], words[1], words[2], words[3]))
        elif words:
            raise ContentError(
                "{path}, line {line}: expected four words, found '{text}'", path=file, line=number, text=line[:60]
            )
    return sections


def evaluate_pairs(
    vectors: WordVectors, pairs: Sequence[Pair], *, restrict_vocab: int | None = None, case_insensitive: bool = True
) -> IntrinsicScore:
    """Spearman's correlation of cosines with judgements, over the pairs whose words are both known."""
    index = _spellings(vectors, restrict_vocab, case_insensitive=case_insensitive)[0]
    fold = str.upper if case_insensitive else str
    known = [(index[fold(a)], index[fold(b)], gold) for a, b, gold in pairs if fold(a) in index and fold(b) in index]
    if len(known) < 3:
        return IntrinsicScore("similarity", math.nan, (-1.0, 1.0), len(known), len(pairs))
    gold = np.array([judgement for _, _, judgement in known])
    cosines = _cosines_of_pairs(vectors, np.array([(a, b) for a, b, _ in known]))
    rho = spearman(gold, cosines)[0]
    interval = correlation_interval(rho, len(known))
    return IntrinsicScore("similarity", rho, interval, len(known), len(pairs), pearson(gold, cosines)[0])


def evaluate_analogies(
    vectors: WordVectors,
    sections: Mapping[str, Sequence[Question]],
    *,
    method: Method = "3cosadd",
    restrict_vocab: int | None = None,
    case_insensitive: bool = True,
) -> dict[str, IntrinsicScore]:
    """Share of questions 'a is to b as c is to ?' whose first answer is d, of those whose four words are known, by section.

    3CosAdd: cos(b) + cos(c) - cos(a) (Mikolov et al. 2013). 3CosMul: Levy and Goldberg 2014, equation 4.
    """
    results = {}
    questions = [question for section in sections.values() for question in section]
    verdicts = iter(answer_analogies(vectors, questions, method, restrict_vocab, case_insensitive=case_insensitive))
    for name, section in sections.items():
        own = [next(verdicts) for _ in section]
        hits, covered = sum(verdict == 1 for verdict in own), sum(verdict >= 0 for verdict in own)
        score = hits / covered if covered else math.nan
        results[name] = IntrinsicScore("analogy", score, share_interval(hits, covered), covered, len(own))
    return results


def answer_analogies(
    vectors: WordVectors,
    questions: Sequence[Question],
    method: Method = "3cosadd",
    restrict_vocab: int | None = None,
    *,
    case_insensitive: bool = True,
) -> list[int]:
    """1 for a right answer, 0 for a wrong one, -1 where a word is unknown. The words of a question are no answer to it."""
    from hornbook.embeddings.analogy_kernels import best_products, best_sums

    kernels = {"3cosadd": best_sums, "3cosmul": best_products}
    if method not in kernels:
        raise UsageError("method = '{method}': choose 3cosadd or 3cosmul", method=method)
    index, classes = _spellings(vectors, restrict_vocab, case_insensitive=case_insensitive)
    fold = str.upper if case_insensitive else str
    ids = np.array([[index.get(fold(word), -1) for word in question] for question in questions], np.int64).reshape(-1, 4)
    known = np.flatnonzero((ids >= 0).all(axis=1))
    verdicts = np.full(len(ids), -1)
    if known.size:
        asked, rows = np.unique(ids[known, :3], return_inverse=True)
        rows = rows.reshape(-1, 3)
        table = np.ascontiguousarray(np.concatenate([rows, classes[ids[known, :3]]], axis=1))  # (Q, 6)
        units = vectors.vectors[asked] / np.maximum(vectors.norms[asked], TINY)[:, None]  # (U, d)
        best, answers = np.full(known.size, -np.inf, np.float32), np.full(known.size, -1, np.int64)
        for first in range(0, classes.size, _WORDS_AT_ONCE):
            block = slice(first, min(first + _WORDS_AT_ONCE, classes.size))
            cosines = units @ vectors.vectors[block].T  # (U, block)
            cosines /= np.maximum(vectors.norms[block], TINY)
            kernels[method](np.ascontiguousarray(cosines), table, classes, first, best, answers)
        verdicts[known] = (answers >= 0) & (classes[answers] == classes[ids[known, 3]])
    return verdicts.tolist()


def evaluate_word_analogies(
    vectors: WordVectors,
    file: Path,
    restrict_vocab: int | None,
    *,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    method: Method = "3cosadd",
) -> tuple[float, list[dict[str, Any]]]:
    """gensim's form of the result, see `WordVectors.evaluate_word_analogies`; `dummy4unknown` counts unknown words as wrong."""
    fold = str.upper if case_insensitive else str
    sections = read_analogies(file)
    questions = [question for section in sections.values() for question in section]
    verdicts = iter(answer_analogies(vectors, questions, method, restrict_vocab, case_insensitive=case_insensitive))
    listed: list[dict[str, Any]] = []
    total: dict[str, Any] = {"section": "Total accuracy", "correct": [], "incorrect": []}
    for name, section in sections.items():
        entry: dict[str, Any] = {"section": name, "correct": [], "incorrect": []}
        for question in section:
            verdict = next(verdicts)
            if verdict >= 0 or dummy4unknown:
                entry["correct" if verdict == 1 else "incorrect"].append(tuple(map(fold, question)))
        listed.append(entry)
        for kind in ("correct", "incorrect"):
            total[kind] += entry[kind]
    asked = len(total["correct"]) + len(total["incorrect"])
    return len(total["correct"]) / asked if asked else 0.0, [*listed, total]


def evaluate_word_pairs(
    vectors: WordVectors,
    file: Path,
    restrict_vocab: int | None,
    *,
    delimiter: str = "\t",
    encoding: str = "utf8",
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """gensim's form of the result, see `WordVectors.evaluate_word_pairs`; `dummy4unknown` takes 0 for unknown words."""
    index = _spellings(vectors, restrict_vocab, case_insensitive=case_insensitive)[0]
    fold = str.upper if case_insensitive else str
    gold: list[float] = []
    ids: list[tuple[int, int]] = []
    for line in _lines(file, encoding):
        fields = [] if line.startswith("#") else line.split(delimiter)
        if len(fields) == 3 and _number(fields[2]):
            gold.append(float(fields[2]))
            ids.append((index.get(fold(fields[0]), -1), index.get(fold(fields[1]), -1)))
    rows, judged = np.array(ids, np.int64).reshape(-1, 2), np.array(gold)
    known = (rows >= 0).all(axis=1)
    cosines = np.zeros(len(rows))
    cosines[known] = _cosines_of_pairs(vectors, rows[known])
    kept = np.ones(len(rows), np.bool_) if dummy4unknown else known
    if not kept.any():
        raise ContentError("{path}: none of its {pairs} pairs has two known words", path=file, pairs=len(rows))
    oov = 100 * float(np.count_nonzero(~known)) / len(rows)
    return pearson(judged[kept], cosines[kept]), spearman(judged[kept], cosines[kept]), oov


def _analogy_totals(name: str, sections: Mapping[str, IntrinsicScore]) -> dict[str, IntrinsicScore]:
    """The total, or two where sections named gram... stand beside others, as in Google's file."""
    syntactic = [result for section, result in sections.items() if section.startswith("gram")]
    semantic = [result for section, result in sections.items() if not section.startswith("gram")]
    if not syntactic or not semantic:
        return {name: _total([*syntactic, *semantic])}
    return {f"{name}_semantic": _total(semantic), f"{name}_syntactic": _total(syntactic)}


def _total(results: Sequence[IntrinsicScore]) -> IntrinsicScore:
    covered, total = sum(result.covered for result in results), sum(result.total for result in results)
    hits = sum(round(result.score * result.covered) for result in results if result.covered)
    return IntrinsicScore("analogy", hits / covered if covered else math.nan, share_interval(hits, covered), covered, total)


def _spellings(
    vectors: WordVectors, restrict_vocab: int | None, *, case_insensitive: bool
) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Spelling -> first (commonest) row of it, and for each row the first row spelt alike."""
    words = vectors.index_to_key[:restrict_vocab]
    forms = [word.upper() for word in words] if case_insensitive else words
    index: dict[str, int] = {}
    for row, form in enumerate(forms):
        index.setdefault(form, row)
    return index, np.array([index[form] for form in forms], np.int64)


def _cosines_of_pairs(vectors: WordVectors, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    first, second = vectors.vectors[rows[:, 0]], vectors.vectors[rows[:, 1]]
    lengths = np.maximum(vectors.norms[rows[:, 0]] * vectors.norms[rows[:, 1]], TINY)
    result: NDArray[np.float64] = (np.einsum("ij,ij->i", first, second) / lengths).astype(np.float64)
    return result


def _lines(file: Path, encoding: str = "utf8") -> list[str]:
    try:
        return file.read_text(encoding).removeprefix("\ufeff").splitlines()
    except FileNotFoundError:
        raise UsageError("{path} does not exist", path=file) from None
    except UnicodeDecodeError as error:
        raise ContentError(
            "{path} is not {encoding} text ({error})", path=file, encoding=encoding, error=error.reason
        ) from None


def _fields(line: str) -> list[str]:
    for mark in "\t;,":
        if line.count(mark) >= 2:
            return [field.strip() for field in line.split(mark)]
    return line.split()


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
