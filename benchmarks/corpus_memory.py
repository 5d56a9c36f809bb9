"""Peak memory of preparing a corpus of 10 MB, 100 MB and 1 GB: flat means that the corpus is never held.

    python benchmarks/corpus_memory.py [--megabytes 10 100 1000] [--line] [--folder FOLDER]

The text is the demonstration corpus, repeated with other words in it, so that nothing is a duplicate. Every preparation
runs in a process of its own. --line measures one line of that size without a line end instead.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hornbook.corpus.demo import demo_documents

CHILD = """
import json, sys, time
from pathlib import Path
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.prepare import CorpusConfig, prepare_corpus
began = time.monotonic()
store = prepare_corpus([sys.argv[1]], Path(sys.argv[2]), CorpusConfig(), log=lambda event: None)
documents = {name: len(split) for name, split in store.splits.items()}
print(json.dumps({"peak_rss_mb": peak_rss_mb(), "seconds": time.monotonic() - began, "documents": documents}))
"""


def write_text(path: Path, size: int, *, line: bool) -> None:
    """About `size` bytes of documents, each with a tenth of its words replaced by numbers of its own."""
    documents = [document.text.replace("\n\n", "\n") for document in demo_documents()]
    generator = random.Random(1)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            words = generator.choice(documents).split(" ")
            for place in range(0, len(words), 4):
                words[place] = f"w{generator.randrange(10**6)}"
            text = " ".join(words)
            written += file.write(text.replace("\n", " ") if line else text + "\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--line", action="store_true")
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    print("megabytes  peak RSS MB  seconds  MB/s  documents")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for megabytes in options.megabytes:
            source = Path(folder) / "corpus.txt"
            write_text(source, int(megabytes * 1e6), line=options.line)
            began = time.monotonic()
            command = [sys.executable, "-c", CHILD, str(source), str(Path(folder) / "prepared")]
            result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            seconds = time.monotonic() - began
            print(
                f"{source.stat().st_size / 1e6:9.1f}  {result['peak_rss_mb']:11.1f}  {seconds:7.1f}"
                f"  {source.stat().st_size / 1e6 / seconds:4.1f}  {result['documents']}"
            )


if __name__ == "__main__":
    main()
