"""What a race says in words: who won, whether that is sure, what it cost, which model to use when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hornbook.compare.numbers import decimals_for, duration, fixed, percent, round_duration
from hornbook.compare.results import CurvePoint, RaceResult, RaceRow
from hornbook.compare.words import Words

TOLERANCE = 0.1  # a small or cheap model is worth naming while it needs at most this much more bits than the best


@dataclass(frozen=True)
class Advice:
    """One model to use, the headings it earns (quality, small, cheap) and why."""

    row: RaceRow
    purposes: tuple[str, ...]
    reasons: tuple[str, ...]


def ranked(rows: Sequence[RaceRow]) -> list[RaceRow]:
    """The rows that have bits per byte, best first; equal ones keep their order."""
    return sorted((row for row in rows if row.bits_per_byte is not None), key=_bits)


def pick_best(rows: Sequence[RaceRow], *, tolerance: float = TOLERANCE) -> dict[str, str]:
    """Names for quality, small and cheap.

    Quality is the fewest bits per byte; small and cheap are the smallest on disk and the quickest to train among the models
    that need at most `tolerance` more bits than the best. Empty where no row has bits per byte.
    """
    order = ranked(rows)
    if not order:
        return {}
    near = [row for row in order if _bits(row) <= _bits(order[0]) * (1 + tolerance)]
    sized = [row for row in near if row.size_mb is not None] or near[:1]
    return {
        "quality": order[0].name,
        "small": min(sized, key=lambda row: (row.size_mb or 0.0, _bits(row))).name,
        "cheap": min(near, key=lambda row: (row.train_seconds, _bits(row))).name,
    }


def headline(result: RaceResult, words: Words) -> str:
    """One sentence: what won and by how much, or which models are tied."""
    order = ranked(result.rows)
    if not order:
        return _cloze_headline(result, words)
    winner = order[0]
    if len(order) == 1:
        return words("alone", winner=winner.name, bits=fixed(winner.bits_per_byte, 3))
    if winner.tied_with:
        names = _with_tied(winner, order)
        values = list(dict.fromkeys(fixed(row.bits_per_byte, 3) for row in order if row.name in names))
        return words("ties", names=words.listing(names), bits=words.listing(values))
    second = order[1]
    return words(
        "wins",
        winner=winner.name,
        bits=fixed(winner.bits_per_byte, 3),
        percent=_percent(1 - _bits(winner) / _bits(second)),
        second=second.name,
        second_bits=fixed(second.bits_per_byte, 3),
    )


def explanation(result: RaceResult, words: Words) -> list[str]:
    """The sentences after the headline: how sure, what it cost, what could not be judged."""
    order = ranked(result.rows)
    sentences: list[str] = []
    if not order:
        return sentences
    winner = order[0]
    if winner.tied_with:
        after = next((row for row in order if row.name not in _with_tied(winner, order)), None)
        if after is not None:
            more = _percent(_bits(after) / _bits(winner) - 1)
            sentences.append(
                words(
                    "ties_then", second=after.name, second_bits=fixed(after.bits_per_byte, 3), percent=more, winner=winner.name
                )
            )
    elif len(order) > 1 and order[1].behind_best is not None and order[1].behind_best_ci95 is not None:
        low, high = (fixed(value, 3) for value in order[1].behind_best_ci95)
        sentences.append(words("beyond_chance", difference=fixed(order[1].behind_best, 3), low=low, high=high))
    if winner.size_mb is not None:
        size = fixed(winner.size_mb, decimals_for([winner.size_mb], most=2))
        sentences.append(words("cost", winner=winner.name, seconds=duration(winner.train_seconds), size=size))
    sentences += _cloze_places(result.rows, words)
    unjudged = [row.name for row in result.rows if row.too_small_to_judge]
    if unjudged:
        sentences.append(words("too_small", names=words.listing(unjudged), budget=larger_budget(result.budget_seconds)))
    return sentences


def advise(result: RaceResult, words: Words) -> list[Advice]:
    """Which model to use for quality, for small size and for cheap training; one entry a model, in that order."""
    names = {row.name for row in result.rows}
    best = pick_best(result.rows) | {purpose: name for purpose, name in result.best.items() if name in names}
    tolerance = percent(TOLERANCE, 0)
    entries: dict[str, list[str]] = {}
    for purpose in ("quality", "small", "cheap"):
        if purpose in best:
            entries.setdefault(best[purpose], []).append(purpose)
    advices: list[Advice] = []
    for name, purposes in entries.items():
        row = result.row(name)
        reasons = [words(f"why_{purpose}", tolerance=tolerance) for purpose in purposes if purpose != "quality"]
        if "quality" in purposes and row.tied_with:
            reasons.insert(0, words("why_quality_tied", names=words.listing(row.tied_with)))
        elif "quality" in purposes:
            reasons.insert(0, words("why_quality"))
        if len(purposes) == 3 and len(result.rows) > 1:
            reasons = [*reasons[:1], words("why_only", tolerance=tolerance)] if _alone(result.rows) else reasons
        advices.append(Advice(row, tuple(purposes), tuple(reasons)))
    return advices


def _cloze_headline(result: RaceResult, words: Words) -> str:
    """The headline of a race without language models."""
    answered = [row for row in result.rows if row.cloze_accuracy is not None]
    if not answered:
        return words("nothing")
    winner = max(answered, key=lambda row: row.cloze_accuracy or 0.0)
    return words("cloze_alone", winner=winner.name, percent=percent(winner.cloze_accuracy))


def _cloze_places(rows: Sequence[RaceRow], words: Words) -> list[str]:
    """Where the rows without bits per byte stand among all, by the measure that all share."""
    best = [row.name for row in rows if row.cloze_rank == 1]
    without = [row for row in rows if row.cloze_rank is not None and row.bits_per_byte is None]
    if not best or not without or len(without) == len(rows):
        return []
    places: dict[int, list[str]] = {}
    for row in without:
        places.setdefault(row.cloze_rank or 0, []).append(row.name)
    told = [words("cloze_place_of", names=words.listing(names), rank=rank) for rank, names in sorted(places.items())]
    return [words("cloze_places", best=words.listing(best), places=words("comma").join(told))]


def rank_label(row: RaceRow) -> str:
    """'1', '2=' for a shared rank, a dash for a model that cannot be ranked."""
    if row.rank is None:
        return "–"
    return f"{row.rank}=" if row.tied_with else str(row.rank)


def late_gain(curve: Sequence[CurvePoint]) -> float:
    """Bits per byte gained over the last fifth of the training time (0 where the curve is too short to say)."""
    if len(curve) < 3:
        return 0.0
    end = curve[-1][0]
    before = [point for point in curve if point[0] <= 0.8 * end]
    after = next((point for point in curve if point[0] > 0.8 * end), curve[-1])
    if not before:
        return 0.0
    first = before[-1]
    span = after[0] - first[0]
    at_four_fifths = first[2] if span <= 0 else first[2] + (after[2] - first[2]) * (0.8 * end - first[0]) / span
    return at_four_fifths - min(point[2] for point in curve if point[0] > 0.8 * end)


def larger_budget(seconds: float) -> str:
    """A budget about four times as large, as --budget takes it."""
    steps = (60, 120, 300, 600, 900, 1800, 2700, 3600, 7200, 14400, 28800, 86400)
    chosen = next((step for step in steps if step >= 3 * seconds), 4 * seconds)
    return round_duration(chosen).replace(" ", "")


def _bits(row: RaceRow) -> float:
    return row.bits_per_byte if row.bits_per_byte is not None else float("inf")


def _with_tied(winner: RaceRow, order: Sequence[RaceRow]) -> list[str]:
    return [row.name for row in order if row.name == winner.name or row.name in winner.tied_with]


def _alone(rows: Sequence[RaceRow]) -> bool:
    order = ranked(rows)
    return len(order) > 1 and _bits(order[1]) > _bits(order[0]) * (1 + TOLERANCE)


def _percent(share: float) -> str:
    return percent(share, 1 if share < 0.1 else 0)
