"""The race in a terminal: the ranking within 100 columns and what it says; plain text where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from hornbook.compare.advice import advise, explanation, headline, rank_label
from hornbook.compare.numbers import MISSING, count, decimals_for, duration, fixed, percent, with_margin
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.words import Words
from hornbook.core.errors import chinese_locale

WIDTH = 100  # columns; narrower terminals lose columns from the least needed on
_NAME_WIDTH = 20
_PLAIN = {"±": "+-", MISSING: "-", "\u2212": "-", "─": "-", "…": "~", "×": "x"}
_LEAST_NEEDED = (
    "memory_short",
    "epochs",
    "generation_short",
    "latency_short",
    "parameters_short",
    "masked",
    "tokens_short",
    "cloze",
)

Column = tuple[str, str, Callable[[RaceRow], str]]  # key of its name, how it is aligned, text of a row


def render_table(result: RaceResult, console: Console, *, language: str | None = None) -> None:
    """Print the ranking and its summary; `language` is that of the user's locale when left out."""
    words = Words(language or ("zh" if chinese_locale() else "en"))
    width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    columns = _fitting(_columns(result.rows, words), result.rows, words, width)
    head, *lines = _lines(columns, result.rows, words)
    console.print(_text(head, console, "dim"), soft_wrap=True)
    console.print(_text("─" * min(width, cell_len(head)), console, "dim"), soft_wrap=True)
    for row, line in zip(result.rows, lines):
        style = "bold" if row.rank == 1 else "dim" if row.rank is None else ""
        console.print(_text(line, console, style), soft_wrap=True)
    if any(row.too_small_to_judge for row in result.rows):
        console.print(_text(f"* {words('judge')}", console, "dim"), soft_wrap=True)
    console.print()
    for line in summary(result, words):
        console.print(_text(line, console, ""), soft_wrap=not console.is_terminal)


def summary(result: RaceResult, words: Words) -> list[str]:
    """Three lines: what won, how sure that is and what it cost, and which model to use for what."""
    advice = words("semicolon").join(
        words("use_line", purposes=words.purposes(item.purposes), name=item.row.name) for item in advise(result, words)
    )
    doubts = [f"{row.name}: {alarm}" for row in result.rows for alarm in row.alarms]
    lines = [headline(result, words), words.sentences(explanation(result, words)), advice]
    if doubts:
        lines.append(f"{words('alarms')}: {len(doubts)}. {doubts[0]}")
    return [line for line in lines if line]


def _columns(rows: Sequence[RaceRow], words: Words) -> list[Column]:
    size, latency = decimals_for([row.size_mb for row in rows], most=1), decimals_for([row.latency_ms for row in rows], most=2)
    task = decimals_for([row.task_score for row in rows], digits=3)
    ties = any(row.tied_with for row in rows)
    columns: list[Column] = [
        ("rank", "right", lambda row: rank_label(row).ljust(1 + ties)),
        ("model", "left", lambda row: _clip(row.name) + ("*" if row.too_small_to_judge else "")),
        ("generation_short", "right", lambda row: str(row.generation)),
        ("bits_short", "right", _bits),
        ("cloze", "right", lambda row: percent(row.cloze_accuracy)),
        ("masked", "right", lambda row: percent(row.masked_accuracy)),
        ("task", "right", lambda row: with_margin(row.task_score, row.task_score_ci95, task)),
        ("trained", "right", lambda row: duration(row.train_seconds) if row.tokens_seen or row.train_seconds else MISSING),
        ("tokens_short", "right", lambda row: count(row.tokens_seen) if row.tokens_seen else MISSING),
        ("parameters_short", "right", lambda row: count(row.parameters)),
        ("size_short", "right", lambda row: fixed(row.size_mb, size)),
        ("latency_short", "right", lambda row: fixed(row.latency_ms, latency)),
        ("memory_short", "right", lambda row: fixed(row.peak_rss_mb, 0)),
    ]
    return [
        column
        for column in columns
        if column[0] in ("rank", "model", "bits_short") or any(column[2](row) != MISSING for row in rows)
    ]


def _lines(columns: Sequence[Column], rows: Sequence[RaceRow], words: Words) -> list[str]:
    """The heading and a line for every row, cells padded to their columns and two spaces apart."""
    cells = [[words(key) for key, _, _ in columns], *[[text(row) for _, _, text in columns] for row in rows]]
    widths = [max(cell_len(line[number]) for line in cells) for number in range(len(columns))]
    lines = []
    for line in cells:
        parts = []
        for (_, align, _), cell, width in zip(columns, line, widths):
            space = " " * (width - cell_len(cell))
            parts.append(cell + space if align == "left" else space + cell)
        lines.append("  ".join(parts).rstrip())
    return lines


def _fitting(columns: list[Column], rows: Sequence[RaceRow], words: Words, width: int) -> list[Column]:
    """The columns without those least needed, until the table fits."""
    for key in _LEAST_NEEDED:
        if _width(columns, rows, words) <= width:
            break
        columns = [column for column in columns if column[0] != key]
    return columns


def _width(columns: Sequence[Column], rows: Sequence[RaceRow], words: Words) -> int:
    widths = [max([cell_len(words(key)), *(cell_len(text(row)) for row in rows)]) for key, _, text in columns]
    return sum(widths) + 2 * (len(widths) - 1)


def _bits(row: RaceRow) -> str:
    if row.bits_per_byte_ci95 is None:
        return fixed(row.bits_per_byte, 3) + " " * 7
    low, high = row.bits_per_byte_ci95
    return f"{fixed(row.bits_per_byte, 3)} ±{fixed((high - low) / 2, 3)}"


def _clip(name: str) -> str:
    """A name of at most twenty columns; East Asian letters take two each."""
    if cell_len(name) <= _NAME_WIDTH:
        return name
    while cell_len(name) > _NAME_WIDTH - 1:
        name = name[:-1]
    return name + "…"


def _text(line: str, console: Console, style: str) -> Text:
    """A line in letters that the terminal's encoding has."""
    line = line.replace("\u00a0", " ").replace("\u2060", "")
    try:
        line.encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        for letter, plain in _PLAIN.items():
            line = line.replace(letter, plain)
        line = line.encode("ascii", "replace").decode()
    return Text(line, style=style)
