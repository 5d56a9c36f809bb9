"""Minimal pairs from files: BLiMP's and SLING's JSON lines, or a table of two columns; and the report on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.corpus.document import ReadConfig
from hornbook.corpus.labelled import text_lines
from hornbook.corpus.table_rows import json_rows, table_of_lines
from hornbook.scoring.minimal_pairs import (
    Judge,
    MinimalPair,
    Share,
    minimal_pair_accuracy,
    pseudo_judge,
    sample_pairs,
    sentence_judge,
    word_judge,
)

Log: TypeAlias = Callable[[Event], None]
By: TypeAlias = Literal["auto", "sentence", "byte", "pll", "pll-word-l2r"]
_COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst")
_GOOD, _BAD = ("sentence_good", "good", "acceptable"), ("sentence_bad", "bad", "unacceptable")
_SKIPPED = ("paradigms.tsv",)  # lies beside pairs and says what they are about
_NETWORK_PAIRS = 100  # of a paradigm, where each token costs a pass of a network


def are_pairs(sources: Sequence[str | Path]) -> bool:
    """Whether all data are minimal pairs, by the first record of each file: a good sentence and a bad one, by their names."""
    files = list(_files(sources))
    return bool(files) and all(_names(path) is not None for path in files)


def read_pairs(sources: Sequence[str | Path], *, log: Log) -> list[MinimalPair]:
    """The pairs of files and folders. ContentError names the line that is none."""
    files = list(_files(sources))
    pairs: list[MinimalPair] = []
    for path in files:
        names = _names(path)
        if names is None:
            raise ContentError("{path} has no minimal pairs: name two columns sentence_good and sentence_bad", path=path)
        for line, record in _records(path, log):
            good, bad = record.get(names[0]), record.get(names[1])
            if not isinstance(good, str) or not isinstance(bad, str):
                raise ContentError("{path}, line {line}: a good and a bad sentence are expected", path=path, line=line)
            pairs.append(MinimalPair(good, bad, _paradigm(record, path), _field(record)))
    return pairs


def evaluate_pairs(
    model: Any, sources: Sequence[str | Path], *, by: By, per_paradigm: int | None, seed: int, log: Log
) -> dict[str, Any]:
    """NAME_accuracy (the mean over paradigms) and its interval, NAME blimp, sling or pairs; the same by paradigm and field.

    `by` is what a sentence is worth: log P of the sentence, or that per byte; pseudo-log-likelihood of models that guess hidden
    tokens ("pll"), or the same with the rest of a word hidden ("pll-word-l2r", their default). `per_paradigm` pairs of each
    paradigm are drawn, 0 takes all; None takes all, but 100 for a model that guesses hidden tokens.
    """
    if per_paradigm is not None and per_paradigm < 0:
        raise UsageError(
            "{name} must be {expected}, not {value}", name="per-paradigm", value=per_paradigm, expected="0 or more"
        )
    masked = hasattr(model, "masked_log_probs")
    judge, scored_by = _judge(model, by, masked)
    pairs = read_pairs(sources, log=log)
    wanted = (_NETWORK_PAIRS if masked else 0) if per_paradigm is None else per_paradigm
    chosen = sample_pairs(pairs, wanted, seed=seed)
    if len(chosen) < len(pairs):
        text = translate("{count} of {offered} pairs: {each} of each paradigm, drawn with seed {seed}")
        log(Note(text.format(count=len(chosen), offered=len(pairs), each=wanted, seed=seed)))
    score = minimal_pair_accuracy(judge, chosen, seed=seed)
    name = _name(sources)
    return {
        f"{name}_accuracy": score.overall.accuracy,
        f"{name}_accuracy_ci95": list(score.overall.ci95),
        "scored_by": scored_by,
        "pairs": len(chosen),
        "offered_pairs": len(pairs),
        "ties": score.ties,
        "seconds": round(score.seconds, 3),
        "paradigms": {paradigm: _plain(share) for paradigm, share in score.paradigms.items()},
        "fields": {field: _plain(share) for field, share in score.fields.items()},
    }


def _plain(share: Share) -> dict[str, Any]:
    return {"accuracy": share.accuracy, "accuracy_ci95": list(share.ci95), "pairs": share.pairs}


def _judge(model: Any, by: By, masked: bool) -> tuple[Judge, str]:
    ways: dict[str, Callable[[], Judge]] = (
        {"pll-word-l2r": lambda: word_judge(model), "pll": lambda: pseudo_judge(model)}
        if masked
        else {"sentence": lambda: sentence_judge(model), "byte": lambda: sentence_judge(model, per_byte=True)}
    )
    chosen = next(iter(ways)) if by == "auto" else by
    if chosen not in ways:
        raise UsageError("this model judges sentences by {ways}, not by {by}", ways=" or ".join(ways), by=by)
    return ways[chosen](), chosen


def _files(sources: Sequence[str | Path]) -> Iterator[Path]:
    """Files that may hold pairs: of a folder those of JSON lines, or where there are none its tables."""
    for source in map(Path, sources):
        if not source.is_dir():
            if source.is_file():
                yield source
            continue
        inside = [path for path in sorted(source.rglob("*")) if path.is_file() and path.name not in _SKIPPED]
        lines = [path for path in inside if _ending(path) == ".jsonl"]
        yield from lines or [path for path in inside if _ending(path) in (".tsv", ".csv")]


def _ending(path: Path) -> str:
    name = Path(path.stem) if path.suffix.lower() in _COMPRESSIONS else path
    return name.suffix.lower()


def _names(path: Path) -> tuple[str, str] | None:
    """What the good and the bad sentence are called in a file; None when it has none."""
    if _ending(path) not in (".jsonl", ".tsv", ".csv"):
        return None
    try:
        first = next(iter(islice(_records(path, lambda event: None), 1)), (0, {}))[1]
    except ContentError:  # not what its name says: whoever reads it as text will say so
        return None
    good, bad = ([name for name in names if name in first] for names in (_GOOD, _BAD))
    return (good[0], bad[0]) if good and bad else None


def _records(path: Path, log: Log) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and record of every row; the first row of a table names its columns."""
    lines = text_lines(path, ReadConfig(), log=log)
    if _ending(path) == ".jsonl":
        yield from ((row.line, row.cells) for row in json_rows(lines, path=str(path)))
        return
    rows = table_of_lines(lines, separators="\t" if _ending(path) == ".tsv" else ",;\t").rows
    header = next(rows, None)
    if header is not None:
        names = [cell.strip().lower() for cell in header.cells]
        yield from ((row.line, dict(zip(names, row.cells))) for row in rows)


def _paradigm(record: dict[str, Any], path: Path) -> str:
    """BLiMP's UID, SLING's phenomenon and file, a column named paradigm, or the name of the file."""
    stem = path.name.split(".")[0]
    if path_of := record.get("paradigm_path"):
        return str(path_of)
    if "phenomenon" in record and "paradigm" in record:
        return f"{record['phenomenon']}/{record['paradigm']}/{stem}"
    return str(record.get("UID") or record.get("uid") or record.get("paradigm") or stem)


def _field(record: dict[str, Any]) -> str:
    return str(record.get("field") or "").replace("/", "_")  # BLiMP spells syntax_semantics in two ways


def _name(sources: Sequence[str | Path]) -> str:
    """Which set this is: by the names its records use."""
    _, record = next(iter(_records(next(_files(sources)), lambda event: None)))
    if "UID" in record and "pairID" in record:
        return "blimp"
    return "sling" if "pair_ID" in record and "phenomenon" in record else "pairs"
