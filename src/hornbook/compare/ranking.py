"""From the contestants' rows to a result: ranked by paired tests, with the facts of text, tokenizer and machine."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hornbook.compare.probe import Probe
from hornbook.compare.results import (
    CorpusSummary,
    CurvePoint,
    MachineSummary,
    RaceResult,
    RaceRow,
    SplitSummary,
    TokenizerSummary,
)
from hornbook.core import artifact, runtime
from hornbook.corpus.store import TextStore
from hornbook.scoring.cloze_items import CANDIDATES
from hornbook.scoring.significance import Units, rank_with_ties
from hornbook.tasks.pretrain import Data

_FEW_QUESTIONS = 50  # fewer tell nobody apart
_STEEP = 0.2  # of its masked accuracy
_HAN_TEXT = 0.2  # share of Han characters from which on a text is shown as Chinese


def rank_rows(
    rows: Sequence[RaceRow], units: Mapping[str, Units], answers: Mapping[str, Units], *, seed: int
) -> tuple[RaceRow, ...]:
    """Rows best first, ranked by paired bootstrap on the same held-out units; then those without any, by the cloze test.

    `answers` are right and wrong ones to the cloze questions, in the order asked: what all contestants can be compared by,
    on the questions that all of them answered. A share counts as too small to judge where one more doubling of the training
    time, worth what the last one was worth, would close the gap to the best, and where a network had no time for a curve
    of three points; for a masked model see `still_learning`.
    """
    rows = _by_cloze(rows, answers, seed)
    places = {place.name: place for place in rank_with_ties(units, seed=seed)} if units else {}
    order = list(places)
    result = []

    def place_of(row: RaceRow) -> tuple[int, float]:
        return (order.index(row.name), 0.0) if row.name in places else (len(order), -(row.cloze_accuracy or 0.0))

    for row in sorted(rows, key=place_of):
        if row.name not in places:
            result.append(dataclasses.replace(row, too_small_to_judge=still_learning(row)))
            continue
        place, gain = places[row.name], gain_per_doubling(row.curve)
        result.append(
            dataclasses.replace(
                row,
                rank=place.rank,
                tied_with=place.tied_with,
                behind_best=place.behind_best,
                behind_best_ci95=place.behind_best_ci95,
                too_small_to_judge=place.behind_best > 0
                and (place.behind_best < gain if gain is not None else bool(row.forecast)),
            )
        )
    return tuple(result)


def _by_cloze(rows: Sequence[RaceRow], answers: Mapping[str, Units], seed: int) -> list[RaceRow]:
    """The rows with their places in the cloze test; without places where too few questions were answered by all."""
    shared = min((len(units) for units in answers.values()), default=0)
    if shared < _FEW_QUESTIONS:
        return list(rows)
    same = {name: units.first(shared) for name, units in answers.items()}
    ranks = {place.name: place.rank for place in rank_with_ties(same, higher_is_better=True, seed=seed)}
    return [dataclasses.replace(row, cloze_rank=ranks.get(row.name)) for row in rows]


def still_learning(row: RaceRow) -> bool:
    """Whether a masked model's share was too small to judge it.

    So it is where it cannot be told from guessing in the cloze test, and where the last doubling of its training time brought
    a fifth or more of its masked accuracy.
    """
    if row.masked_accuracy is None:
        return False
    if row.cloze_accuracy_ci95 is not None and row.cloze_accuracy_ci95[0] <= 1 / CANDIDATES:
        return True
    gain = gain_per_doubling([(seconds, tokens, -accuracy) for seconds, tokens, accuracy in row.masked_curve])
    return gain is not None and row.cloze_rank != 1 and gain >= _STEEP * row.masked_curve[-1][2]


def gain_per_doubling(curve: Sequence[CurvePoint]) -> float | None:
    """Bits per byte that the last doubling of the training time was worth, from the learning curve; None without one."""
    if len(curve) < 3:
        return None
    last_seconds, _, last = curve[-1]
    earlier = min(curve[:-1], key=lambda point: abs(point[0] - last_seconds / 2))
    return max(0.0, earlier[2] - last)


def save_units(units: Units, path: Path) -> None:
    """The arrays that paired tests need."""
    np.savez(path, totals=units.totals, weights=units.weights)


def load_units(path: Path) -> Units:
    """What `save_units` wrote."""
    with np.load(path) as arrays:
        return Units(totals=arrays["totals"], weights=arrays["weights"])


def corpus_summary(store: TextStore, data: Data) -> CorpusSummary:
    """The text that was raced on."""
    splits = {
        name: SplitSummary(len(split), split.total_bytes, int(data.shards.split(name).tokens.size))
        for name, split in store.splits.items()
        if name in data.shards.splits and len(split)
    }
    head = store.split("train").text(0)[:20000]
    han = sum("\u4e00" <= character <= "\u9fff" for character in head) / max(1, len(head))
    name = ", ".join(Path(source).name for source in store.about.get("sources", [])[:3]) or store.folder.name
    return CorpusSummary(name=name, splits=splits, language="zh" if han > _HAN_TEXT else "en")


def tokenizer_summary(data: Data) -> TokenizerSummary:
    """The tokenizer that all share."""
    report = data.report
    if report is None:
        return TokenizerSummary(kind="", size=data.tokenizer.size)
    return TokenizerSummary(
        kind=report.kind,
        size=data.tokenizer.size,
        bytes_per_token=report.bytes_per_token,
        fertility=report.fertility,
        unknown_rate=report.unknown_rate,
    )


def machine_summary(probe: Probe) -> MachineSummary:
    """The machine that ran the race."""
    return MachineSummary(
        cpu=runtime.cpu_name(),
        cores=runtime.available_cores(),
        threads=int(os.environ.get("OMP_NUM_THREADS", runtime.available_cores())),
        memory_gb=runtime.total_memory_mb() / 1e3,
        device=probe.device,
        facts={"platform": sys.platform},
    )


def write_report(result: RaceResult, output: Path) -> None:
    """index.html and report.json of a race, each whole or absent."""
    from hornbook.compare.report import render
    from hornbook.core.errors import chinese_locale

    artifact.write_text_atomic(output / "report.json", result.to_json())
    artifact.write_text_atomic(output / "index.html", render(result, language="zh" if chinese_locale() else "en"))
