"""Which columns of a table, or fields of its records, hold texts and labels: by their names, else by what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hornbook.core.errors import ContentError, UsageError, nearest, translate

Key: TypeAlias = str | int  # a field of records, or a column counted from 0
Cells: TypeAlias = Mapping[Any, Any] | Sequence[Any]

TEXT_NAMES = (
    *("text", "sentence", "content", "review", "question", "query", "title", "body", "comment", "message", "sms", "tweet"),
    *("document", "article", "headline", "utterance", "description", "phrase", "正文", "内容", "文本", "句子", "评论", "标题"),
)
LABEL_NAMES = (
    *("label", "labels", "category", "class", "target", "sentiment", "polarity", "topic", "intent", "tag", "tags", "y"),
    *("gold", "answer", "label_name", "label_text", "stars", "rating", "标签", "类别", "分类", "情感"),
)
PAIR_NAMES = (
    *(("sentence1", "sentence2"), ("sentence_a", "sentence_b"), ("text_a", "text_b"), ("text1", "text2"), ("s1", "s2")),
    *(
        ("question1", "question2"),
        ("premise", "hypothesis"),
        ("question", "sentence"),
        ("query", "passage"),
        ("query", "title"),
    ),
)
_LONGEST_LABEL = 64
_LONGEST_NAME = 30


@dataclass(frozen=True)
class TextColumns:
    """The user's word on the columns: the name of a field or of a header, or a number from 1; '' has it guessed.

    `pair` holds a second text. `separator` parts the labels of a text that has several.
    """

    text: str = ""
    pair: str = ""
    label: str = ""
    separator: str = ""


@dataclass(frozen=True)
class Layout:
    """Where texts and labels stand. `names` are those of the header or of the fields; empty where columns have numbers."""

    text: Key
    label: Key
    pair: Key | None = None
    names: tuple[str, ...] = ()
    header: bool = False  # the first row holds the names

    def shown(self, key: Key) -> str:
        """A column as a person calls it: 'review', or column 2."""
        if isinstance(key, str):
            return f"'{key}'"
        return f"'{self.names[key]}'" if self.names else translate("column {number}").format(number=key + 1)


def layout_of_records(sample: Sequence[Mapping[str, Any]], columns: TextColumns, *, path: str) -> Layout:
    """The fields of JSON or Parquet records. UsageError for a name that no record has, ContentError when there is no choice."""
    names = list(dict.fromkeys(name for record in sample for name in record))
    values: dict[Key, list[str]] = {}
    texts: list[Key] = []
    for name in names:
        found = [record[name] for record in sample if record.get(name) is not None]
        values[name] = [str(value) for value in found if not isinstance(value, Mapping)]
        if any(isinstance(value, str) for value in found):
            texts.append(name)
    return _choose(values, {name: name for name in names}, texts, columns, path)


def layout_of_table(sample: Sequence[Sequence[str]], columns: TextColumns, *, path: str) -> Layout:
    """The columns of a table, and whether its first row names them."""
    first = [cell.strip().strip('"').removeprefix("\ufeff") for cell in sample[0]]
    width = max(len(row) for row in sample)
    lowered = [cell.lower() for cell in first]
    known = {*TEXT_NAMES, *LABEL_NAMES, *(name for pair in PAIR_NAMES for name in pair)}
    asked = {columns.text, columns.label, columns.pair} - {""}
    named = any(name in first for name in asked) or (
        any(cell in known for cell in lowered) and all(len(cell) <= _LONGEST_NAME for cell in first)
    )
    body = sample[1:] or sample
    by_names = _columns_of(body if named else sample, first if named else [], width)
    layout = _choose(*by_names, list(range(width)), columns, path)
    if named:
        return replace(layout, names=tuple(first), header=True)
    guessed = _choose(*_columns_of(body, [], width), list(range(width)), columns, path)
    return replace(guessed, names=tuple(first), header=True) if _looks_like_names(first, body, guessed) else layout


def _columns_of(rows: Sequence[Sequence[str]], names: Sequence[str], width: int) -> tuple[dict[Key, list[str]], dict[str, Key]]:
    """The values of each column, and the columns by what the user may call them; a name wins over a number."""
    values: dict[Key, list[str]] = {k: [row[k] for row in rows if k < len(row)] for k in range(width)}
    numbers: dict[str, Key] = {str(k + 1): k for k in range(width)}
    return values, numbers | {name: k for k, name in reversed(list(enumerate(names)))}


def _looks_like_names(first: Sequence[str], body: Sequence[Sequence[str]], layout: Layout) -> bool:
    """Whether the first row is unlike the others: its label is none of theirs, which repeat, and its text is short."""
    text, label = layout.text, layout.label
    if not isinstance(text, int) or not isinstance(label, int) or len(body) < 4 or max(text, label) >= len(first):
        return False
    labels = [row[label].strip() for row in body if label < len(row)]
    lengths = [len(row[text]) for row in body if text < len(row)]
    repeated = 0 < len(set(labels)) <= len(labels) / 2
    return (
        repeated
        and first[label] not in labels
        and not first[label].replace(".", "", 1).replace("-", "", 1).isdigit()
        and 0 < len(first[text]) <= _LONGEST_NAME
        and len(first[text]) < 0.5 * sum(lengths) / max(len(lengths), 1)
    )


def _choose(
    values: Mapping[Key, Sequence[str]], called: Mapping[str, Key], texts: Sequence[Key], columns: TextColumns, path: str
) -> Layout:
    """What the user says, then known names, then the longest column for the text, the one that repeats most for the label."""
    lowered = {name.lower(): key for name, key in reversed(list(called.items()))}
    text, pair, label = (_asked(name, called, path) for name in (columns.text, columns.pair, columns.label))
    if text is None and pair is None:
        for one, two in PAIR_NAMES:
            if one in lowered and two in lowered and label not in (lowered[one], lowered[two]):
                text, pair = lowered[one], lowered[two]
                break
    taken = {key for key in (text, pair, label) if key is not None}
    if label is None:
        label = next((lowered[name] for name in LABEL_NAMES if name in lowered and lowered[name] not in taken), None)
    if label is not None:
        taken.add(label)
    free = [key for key in texts if key not in taken]
    if text is None:
        text = next((lowered[name] for name in TEXT_NAMES if name in lowered and lowered[name] in free), None)
    if text is None and free:
        text = max(free, key=lambda key: _mean_length(values[key]))
    if label is None:
        label = _most_repeated({key: found for key, found in values.items() if key not in (text, pair)})
    if text is None or label is None or text == label:
        raise ContentError(
            "{path} has no column of {what} beside {names}: a text and its label are expected in every row",
            path=path,
            what=translate("texts" if text is None else "labels"),
            names=", ".join(called) or 0,
        )
    return Layout(text, label, pair)


def _asked(name: str, called: Mapping[str, Key], path: str) -> Key | None:
    if not name:
        return None
    if name not in called:
        raise UsageError("{path} has no field '{field}'.{hint}", path=path, field=name, hint=nearest(name, called))
    return called[name]


def _mean_length(values: Sequence[str]) -> float:
    return sum(map(len, values)) / max(len(values), 1)


def _most_repeated(values: Mapping[Key, Sequence[str]]) -> Key | None:
    """The column of short values with the fewest different ones, two at least where there is such a column."""
    short = {key: found for key, found in values.items() if found and max(map(len, found)) <= _LONGEST_LABEL}
    if not short:
        return None
    kinds = {key: len(set(found)) for key, found in short.items()}
    return min(short, key=lambda key: (kinds[key] < 2, kinds[key], -len(short[key])))
