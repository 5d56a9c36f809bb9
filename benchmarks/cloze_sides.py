"""Cloze accuracy of saved language models with both sides of the gap and with the left side alone, on the same questions.

python benchmarks/cloze_sides.py CLOZE.json MODEL...      (CLOZE.json: work/cloze.json of a race)
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from functools import partial
from pathlib import Path

from hornbook import api
from hornbook.scoring.cloze import cloze_with, load_cloze, score_whole
from hornbook.scoring.significance import paired_bootstrap


def main(questions: str, *folders: str) -> None:
    items = load_cloze(Path(questions))
    left = [dataclasses.replace(item, right="") for item in items]
    for folder in folders:
        model = api.open_language_model(folder)
        began = time.process_time()
        both, alone = (cloze_with(partial(score_whole, model), some) for some in (items, left))
        gain = paired_bootstrap(both.units, alone.units)
        row = {
            "model": Path(folder).name,
            "questions": len(items),
            "both_sides": both.accuracy,
            "left_only": alone.accuracy,
            "gain": gain.difference,
            "gain_ci95": gain.ci95,
            "cpu_seconds": round(time.process_time() - began, 2),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
