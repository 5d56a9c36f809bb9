"""Fine-tuned classifiers by the defaults on real sets, one JSON line a run; runs that are in the file already are left out.

    python benchmarks/finetune_text.py RESULTS.jsonl --start NAME=MODEL... [--sets trec sst2 ...] [--seeds 3]

MODEL is a folder, a file of word vectors or a recipe. Data: HORNBOOK_DATA, or shared/data beside the checkout. Sets and their
parts are those of linear_text.py: ten folds for mr, every fifth text held out for bbc and sms. A set without dev texts holds a
tenth of its training texts out to choose the epoch. For sms also precision of spam where 99 % of ham is kept on the held-out
training texts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from linear_text import DATA, SETS, parts

from hornbook import api, load


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--start", nargs="+", required=True, help="NAME=MODEL")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    done = set()
    if options.results.exists():
        done = {key(json.loads(line)) for line in options.results.read_text("utf-8").splitlines()}
    for name in options.sets:
        for entry in options.start:
            title, _, model = entry.partition("=")
            for fold, (train, test) in enumerate(parts(name)):
                for seed in range(1, options.seeds + 1):
                    record = {"set": name, "start": title, "fold": fold, "seed": seed}
                    if key(record) in done:
                        continue
                    record |= run(name, model, train, test, seed)
                    with options.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(record, ensure_ascii=False) + "\n")
                    print(json.dumps(record, ensure_ascii=False), flush=True)


def key(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("set", "start", "fold", "seed"))


def run(name: str, model: str, train: Any, test: Any, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        data, out = Path(place) / "data", Path(place) / "out"
        data.mkdir()
        for part, (texts, labels) in {"train": train, "test": test}.items():
            lines = (json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels))
            (data / f"{part}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        dev = DATA / SETS[name][0] / "dev.jsonl.gz"
        options = {"keep": "ham=0.99"} if name == "sms" else {}
        cpu = time.process_time()
        result = api.finetune(model, data, out, dev=dev if dev.exists() else None, seed=seed, **options)
        wanted = ("test_accuracy", "test_accuracy_ci95", "test_macro_f1", "test_unseen_accuracy", "test_unseen_n", "accuracy")
        facts = {field: result.get(field) for field in (*wanted, "linear_accuracy", "epochs", "training_seconds", "parameters")}
        facts["cpu_seconds"] = round(time.process_time() - cpu, 1)
        if name == "sms":
            answers = load(out)(test[0])
            pairs = list(zip(answers, test[1]))
            facts["ham_kept"] = sum(a == b == "ham" for a, b in pairs) / sum(b == "ham" for _, b in pairs)
            facts["spam_precision"] = sum(a == b == "spam" for a, b in pairs) / max(1, sum(a == "spam" for a, _ in pairs))
            facts["spam_recall"] = sum(a == b == "spam" for a, b in pairs) / sum(b == "spam" for _, b in pairs)
    return facts


if __name__ == "__main__":
    main()
