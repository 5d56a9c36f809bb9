"""Fine-tuned taggers by the defaults on real sets of named entities, one JSON line a run; runs in the file are left out.

    python benchmarks/finetune_ner.py RESULTS.jsonl --start NAME=MODEL... [--sets conll2003 weibo ...] [--decoders crf tokens]

MODEL is a folder, a file of word vectors or a recipe; "lstm" is words, their characters and an LSTM, from nothing. Entity F1 is
that of the test file, with its interval over sentences. Data: HORNBOOK_DATA, or shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from hornbook import api

DATA = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = {  # folder, training, dev (None: the end of training), test, seconds where a run is cut
    "conll2003": ("ner-conll2003-en", "eng.train.gz", "eng.testa.gz", "eng.testb.gz"),
    "weibo": ("ner-weibo-zh", "weiboNER_2nd_conll.train.gz", "weiboNER_2nd_conll.dev.gz", "weiboNER_2nd_conll.test.gz"),
    "es": ("ner-conll2002-es", "esp.train.gz", "esp.testa.gz", "esp.testb.gz"),
    "msra": ("ner-msra-zh", "msra_train_bio.txt.gz", None, "msra_test_bio.txt.gz"),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--start", nargs="+", required=True, help="NAME=MODEL")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--decoders", nargs="+", default=["crf"])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    done = set()
    if options.results.exists():
        rows = [json.loads(line) for line in options.results.read_text("utf-8").splitlines()]
        done = {(row["set"], row["start"], row["decoder"], row["seed"]) for row in rows}
    for name in options.sets:
        for entry in options.start:
            for decoder in options.decoders:
                for seed in range(1, options.seeds + 1):
                    if (name, entry.partition("=")[0], decoder, seed) not in done:
                        run(name, entry, decoder, seed, options.results)


def run(name: str, entry: str, decoder: str, seed: int, results: Path) -> None:
    title, _, model = entry.partition("=")
    folder, train, dev, test = SETS[name]
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        cpu = time.process_time()
        result = api.finetune(
            model,
            DATA / folder / train,
            out,
            task="tag",
            dev=None if dev is None else DATA / folder / dev,
            seed=seed,
            overrides={"model.decoder": decoder},
        )
        cpu = time.process_time() - cpu
        score = api.evaluate(out, DATA / folder / test)
    record = {"set": name, "start": title, "decoder": decoder, "seed": seed}
    record |= {field: score[field] for field in ("entity_f1", "entity_f1_ci95", "accuracy", "n", "sentences")}
    record |= {"dev_f1": result["entity_f1"], "epochs": result["epochs"], "seconds": result["training_seconds"]}
    record |= {"cpu_seconds": round(cpu, 1)}
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
