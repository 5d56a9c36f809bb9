"""Several texts or languages in one training: each prepared on its own, with its share of every batch and its own score.

The texts stand one behind the other in one store and one set of shards; a part is a range of documents, so all that reads the
whole (counts, the held-out score, resuming) needs not know of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError, nearest, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.dedup import content_hash
from hornbook.corpus.mixed_batches import row_shares, tempered
from hornbook.corpus.prepare import CorpusConfig
from hornbook.corpus.shards import ShardSplit
from hornbook.corpus.store import TextStore, TextStoreWriter
from hornbook.recipes import Recipe
from hornbook.tasks import lessons
from hornbook.tasks.pretrain import Data, prepare_text
from hornbook.tasks.vocabulary import vocabulary_size
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

Log = Callable[[Event], None]
SHARES = "mix.json"


@dataclass(frozen=True)
class Source:
    """One of the texts: its name, its share of the rows of a batch, and which documents of a split are its own."""

    name: str
    share: float
    ranges: Mapping[str, tuple[int, int]]

    def of(self, split: ShardSplit, name: str) -> ShardSplit:
        """Its documents of the split called `name`, without copying their tokens."""
        begin, end = self.ranges.get(name, (0, 0))
        first, last = int(split.starts[begin]), int(split.starts[end])
        words = split.words
        if words is not None:  # bits, whose bytes need not begin where a document does
            bits = np.unpackbits(words[first // 8 : -(-last // 8)], bitorder="little")[first % 8 :][: last - first]
            words = np.packbits(bits, bitorder="little")
        starts = split.starts[begin : end + 1] - first
        return ShardSplit(split.tokens[first:last], starts, split.raw_bytes[begin:end], words)

    def held_out(self, data: Data) -> ShardSplit | None:
        """Its documents that no training reads, None where there are none."""
        for name in ("valid", "test"):
            begin, end = self.ranges.get(name, (0, 0))
            if end > begin:
                return self.of(data.shards.split(name), name)
        return None


def mixed_text(sources: Sequence[str | Path], work: Path, *, mix: str, config: CorpusConfig, log: Log) -> TextStore:
    """The texts of the sources one behind the other in `work`/corpus, each prepared on its own; shares go to `work`/mix.json.

    `mix` is the power of each text's size that its share follows (Conneau et al. 2020, section 3.1, have 0.3; 0 shares
    evenly, 1 by size), or a weight for each: 'en=3,zh=1'. UsageError for anything else, and below two sources.
    """
    names = _names(sources)
    if len(names) < 2:
        raise UsageError("--mix mixes several texts: give at least two")
    _weights(mix, dict.fromkeys(names, 1))  # a wrong flag is told before the texts are read
    if not TextStore.is_store(work / "corpus"):
        stores = {
            name: prepare_text([source], work / "sources" / name, config=config, log=log)
            for name, source in zip(names, sources, strict=True)
        }
        for alarm in _shared_texts(stores):
            log(alarm)
        _join(stores, work / "corpus")
    store = TextStore.open(work / "corpus")
    shares = _weights(mix, {name: row["bytes"] for name, row in store.about["sources"].items()})
    artifact.write_text_atomic(work / SHARES, json.dumps(shares, ensure_ascii=False))
    return store


def _shared_texts(stores: Mapping[str, TextStore]) -> Iterator[Alarm]:
    """What is wrong where a text, but for its blanks, stands in several sources: each of them deduplicates itself only."""
    train = {name: _hashes(store, ("train",)) for name, store in stores.items()}
    _, counts = np.unique(np.concatenate(list(train.values())), return_counts=True)
    if several := int((counts > 1).sum()):
        yield Alarm(
            translate(
                "{count} of {total} training texts stand in several sources of --mix: they are read once for each"
            ).format(count=several, total=counts.size),
            translate("leave them out of all sources but one, unless they shall weigh more"),
        )
    for name, store in stores.items():
        others = [hashes for other, hashes in train.items() if other != name]
        known = int(np.isin(held := _hashes(store, ("valid", "test")), np.concatenate(others)).sum())
        if known:
            yield Alarm(
                translate("{count} of {total} held-out texts of {name} are training texts of another source").format(
                    count=known, total=held.size, name=name
                ),
                translate("leave them out there: the score of {name} is too good").format(name=name),
            )


def _hashes(store: TextStore, splits: Sequence[str]) -> NDArray[np.uint64]:
    """(n,) what different texts of the splits hash to, sorted."""
    found = b"".join(content_hash(text)[:8] for split in splits if split in store.splits for text in store.split(split))
    return np.unique(np.frombuffer(found, np.uint64))


def _join(stores: Mapping[str, TextStore], folder: Path) -> None:
    with TextStoreWriter(folder) as writer:
        rows: dict[str, dict[str, Any]] = {}
        for name, store in stores.items():
            ranges = {}
            for split, texts in store.splits.items():
                begin = writer.documents(split)
                for text in texts:
                    writer.add(split, text)
                ranges[split] = (begin, writer.documents(split))
            size = store.split("train").total_bytes
            if not size:
                raise ContentError("{folder} has an empty training split: give more text", folder=store.folder)
            rows[name] = {"bytes": size, "ranges": ranges, "folder": str(store.folder)}
        writer.about["sources"] = rows


def _names(sources: Sequence[str | Path]) -> list[str]:
    """What each source is called: its file's name without endings, numbered where two are alike."""
    names: list[str] = []
    for source in sources:
        path = Path(source)
        stem = (path.name if path.is_dir() else path.name.split(".")[0]) or "text"
        taken = sum(name == stem or name.startswith(f"{stem}-") for name in names)
        names.append(f"{stem}-{taken + 1}" if stem in names else stem)
    return names


def _weights(mix: str, sizes: Mapping[str, int]) -> dict[str, float]:
    """The share of each text, summing to 1."""
    if "=" not in mix:
        try:
            power = float(mix)
        except ValueError:
            power = math.nan
        if not 0 <= power <= 1:
            raise UsageError(
                "--mix {mix} is neither a power from 0 to 1 nor weights: --mix 0.3, or --mix {example}",
                mix=mix,
                example=",".join(f"{name}=1" for name in sizes),
            )
        shares = tempered(list(sizes.values()), 1 / power) if power else [1 / len(sizes)] * len(sizes)
        return dict(zip(sizes, shares, strict=True))
    weights: dict[str, float] = {}
    for part in mix.split(","):
        name, _, value = part.partition("=")
        if name.strip() not in sizes:
            raise UsageError("--mix: no text is called '{name}'.{hint}", name=name.strip(), hint=nearest(name, sizes))
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            weights[name.strip()] = math.nan
    missing = [name for name in sizes if not 0 < weights.get(name, 0.0) < math.inf]
    if missing:
        raise UsageError("--mix: '{name}' needs a weight above 0, as in {name}=1", name=missing[0])
    total = sum(weights.values())
    return {name: weights[name] / total for name in sizes}


def mixed_tokenizer(store: TextStore, work: Path, tokenizer: TokenizerConfig | Path | str, *, log: Log) -> Path:
    """The folder of one tokenizer for all texts, learned from each by its share; `tokenizer` as `prepare_data` has it."""
    if isinstance(tokenizer, Path):
        return tokenizer
    folder = work / "tokenizer"
    if (folder / artifact.MANIFEST).is_file():
        return folder
    if isinstance(tokenizer, str):
        alone = [TextStore.open(Path(row["folder"])) for row in store.about["sources"].values()]
        least = TokenizerConfig(kind=tokenizer).smallest_size
        tokenizer = TokenizerConfig(kind=tokenizer, size=max(least, *map(vocabulary_size, [store, *alone])))
    trained = train_tokenizer(_in_proportion(store, _shares(work)), tokenizer)
    log(Note(f"tokenizer: {tokenizer.kind}, {trained.size:,} types"))
    with artifact.writing(folder) as temporary:
        trained.save_pretrained(temporary)
    return folder


def _in_proportion(store: TextStore, shares: Mapping[str, float]) -> Iterator[str]:
    """The beginning of every training document, as much of it as gives each text its share."""
    rows, train = store.about["sources"], store.split("train")
    total = min(rows[name]["bytes"] / share for name, share in shares.items())
    for name, share in shares.items():
        part = share * total / rows[name]["bytes"]  # at most 1, of the text that is the scarcest for its share
        for index in range(*rows[name]["ranges"]["train"]):
            text = train.text(index)
            yield text[: math.ceil(part * len(text))]


def _shares(work: Path) -> dict[str, float]:
    shares: dict[str, float] = json.loads((work / SHARES).read_text("utf-8"))
    return shares


def with_sources(data: Data, work: Path) -> Data:
    """The data with the parts it is mixed from, as `mixed_text` left them in the work folder."""
    rows, shares = TextStore.open(work / "corpus").about["sources"], _shares(work)
    found = [
        Source(name, shares[name], {split: (begin, end) for split, (begin, end) in row["ranges"].items()})
        for name, row in rows.items()
    ]
    return replace(data, sources=tuple(found))


def show_mix(data: Data, rows: int, *, log: Log) -> None:
    """Say before training how the rows of a batch are shared."""
    given = row_shares(rows, [source.share for source in data.sources])
    parts = [
        f"{source.name} {count} ({source.share:.1%}; {split.total_bytes / 1e6:,.1f} MB)"
        for source, count, (split, _) in zip(data.sources, given, data.parts())
    ]
    log(Note(translate("rows of a batch of {rows} by text: {parts}").format(rows=rows, parts=", ".join(parts))))


def source_scores(recipe: Recipe, config: Any, model: Any, data: Data) -> dict[str, Any]:
    """By text: its share, and the score of its held-out documents."""
    scores: dict[str, Any] = {}
    for source in data.sources:
        held = source.held_out(data)
        facts = {} if held is None else lessons.score(recipe, config, model, held).facts()
        scores[source.name] = {"share": source.share, **facts}
    return scores
