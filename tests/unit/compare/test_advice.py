from __future__ import annotations

from dataclasses import replace

import pytest

from hornbook.compare.advice import advise, explanation, headline, larger_budget, late_gain, pick_best, rank_label
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.words import LANGUAGES, TEXT, Words
from hornbook.core.errors import UsageError

ENGLISH = Words("en")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_winner_is_named_with_its_lead(english_race: RaceResult) -> None:
    assert plain(headline(english_race, ENGLISH)) == "gpt wins: 1.657 bits per byte, 3.9 % fewer than 5-gram (1.724)."
    text = plain(" ".join(explanation(english_race, ENGLISH)))
    assert "0.067" in text and "0.052 to 0.081" in text
    assert "6m 02s" in text and "21 MB" in text
    assert "too small to judge rnn" in text and "--budget 45m" in text


def test_a_tie_is_called_a_tie(chinese_race: RaceResult) -> None:
    assert plain(headline(chinese_race, ENGLISH)).startswith("gpt and 5-gram are tied at 2.112 and 2.131 bits per byte")
    assert "lstm (2.294), needs 8.6 % more bits than gpt" in plain(" ".join(explanation(chinese_race, ENGLISH)))
    assert "wins" not in headline(chinese_race, ENGLISH)


def test_one_model_and_none() -> None:
    row = RaceRow("gpt", 4, "gpt", bits_per_byte=1.5)
    empty = _race()
    assert headline(_race(row), ENGLISH) == "gpt reaches 1.500 bits per byte."
    assert headline(empty, ENGLISH) == ENGLISH("nothing")
    assert explanation(empty, ENGLISH) == [] and advise(empty, ENGLISH) == []
    assert headline(_race(RaceRow("bert", 4, "bert")), ENGLISH) == ENGLISH("nothing")


def test_small_and_cheap_are_chosen_among_the_near(english_race: RaceResult) -> None:
    assert pick_best(english_race.rows) == {"quality": "gpt", "small": "gpt", "cheap": "5-gram"}
    assert pick_best(english_race.rows, tolerance=2.0) == {"quality": "gpt", "small": "unigram", "cheap": "unigram"}
    assert pick_best([]) == {}


def test_advice_joins_purposes_of_one_model(english_race: RaceResult) -> None:
    first, second = advise(english_race, ENGLISH)
    assert (first.row.name, first.purposes) == ("gpt", ("quality", "small"))
    assert (second.row.name, second.purposes) == ("5-gram", ("cheap",))
    assert ENGLISH.purposes(first.purposes) == "Best quality, small on disk"


def test_a_name_that_best_does_not_know_is_ignored(english_race: RaceResult) -> None:
    advised = advise(replace(english_race, best={"quality": "gone"}), ENGLISH)
    assert advised[0].row.name == "gpt"


def test_rank_labels() -> None:
    assert rank_label(RaceRow("a", 4, "gpt", rank=2)) == "2"
    assert rank_label(RaceRow("a", 4, "gpt", rank=2, tied_with=("b",))) == "2="
    assert rank_label(RaceRow("a", 4, "gpt")) == "–"


def test_late_gain_is_what_the_last_fifth_brought() -> None:
    straight = tuple((float(second), second, 3.0 - second / 100) for second in range(10, 101, 10))
    assert late_gain(straight) == pytest.approx(0.2)
    assert late_gain(straight[:2]) == 0.0
    flat = tuple((float(second), second, 2.0) for second in range(1, 11))
    assert late_gain(flat) == 0.0


@pytest.mark.parametrize(("seconds", "budget"), [(60, "5m"), (180, "10m"), (900, "45m"), (2700, "4h"), (86400, "96h")])
def test_a_larger_budget_is_round(seconds: float, budget: str) -> None:
    assert larger_budget(seconds) == budget


def test_every_sentence_exists_in_every_language_with_the_same_fields() -> None:
    import string

    for key, versions in TEXT.items():
        assert len(versions) == len(LANGUAGES) and all(versions), key
        fields = [sorted({name for _, name, _, _ in string.Formatter().parse(text) if name}) for text in versions]
        assert fields[0] == fields[1], key


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UsageError):
        Words("de")


def test_listing() -> None:
    assert ENGLISH.listing(["a"]) == "a"
    assert ENGLISH.listing(("a", "b", "c")) == "a, b and c"
    assert Words("zh").listing(["a", "b"]) == "a 和 b"


def _race(*rows: RaceRow) -> RaceResult:
    from hornbook.compare.results import CorpusSummary, MachineSummary, TokenizerSummary

    return RaceResult(CorpusSummary("text"), MachineSummary(), TokenizerSummary("bpe", 512), 60.0, 60.0, rows)
