"""The report on one classifier as one HTML page: scores, the unseen part beside the whole, errors, doubtful labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hornbook.compare.judge_words import JUDGE_TEXT
from hornbook.compare.numbers import MISSING, fixed, percent
from hornbook.compare.report.judge_charts import MOST_LABELS, confusion_matrix, confusion_pairs, meter, reliability_plot
from hornbook.compare.report.markup import Markup, element, join
from hornbook.compare.report.sections import language_tag, section
from hornbook.compare.report.shell import document
from hornbook.compare.words import Words
from hornbook.core import artifact
from hornbook.core.errors import chinese_locale
from hornbook.tasks.judge import Case, Judgement
from hornbook.tasks.nearest import Near

_SHOWN = 2_000  # characters of a text
_SHARES = ("accuracy", "micro_f1", "macro_f1")


def write_judgement(
    judgement: Judgement, scores: Mapping[str, Any], output: Path, *, model: str, data: str, command: str = ""
) -> None:
    """index.html and judgement.json in a folder of their own, atomically. UsageError for a folder of other content."""
    language = "zh" if chinese_locale() else "en"
    page = render_judgement(judgement, scores, model=model, data=data, command=command, language=language)
    with artifact.writing(output, what="report") as folder:
        facts = {"model": model, "data": data, **scores, **judgement.to_dict()}
        text = json.dumps(facts, ensure_ascii=False, indent=1).encode("utf-8", "replace")  # lone surrogates become "?"
        (folder / "judgement.json").write_bytes(text + b"\n")
        (folder / "index.html").write_text(page, "utf-8")


def render_judgement(
    judgement: Judgement, scores: Mapping[str, Any], *, model: str, data: str, command: str = "", language: str = "en"
) -> str:
    """The page as HTML text; `scores` are those of `tasks.texts.score_classifier`. UsageError for an unknown language."""
    words = Words(language, JUDGE_TEXT)
    main = element(
        "main",
        _header(judgement, scores, words, model=model, data=data),
        _scores(judgement, scores, words),
        _lengths(judgement, words),
        _reliability(judgement, words),
        _confusion(scores, words),
        _labels(judgement, words),
        _kept(judgement, words),
        _cases("worst", judgement.worst, judgement.errors, words),
        _cases("doubtful", judgement.doubtful, judgement.likely_errors, words),
        _method(judgement, words, command),
    )
    return document(
        main,
        element("footer", words("numbers_file")),
        title=words("title", model=_name(model)),
        language=language,
        extra_style="judge.css",
    )


def _header(judgement: Judgement, scores: Mapping[str, Any], words: Words, *, model: str, data: str) -> Markup:
    if judgement.n:
        title = words("headline", model=_name(model), percent=percent(scores["accuracy"]), n=f"{judgement.n:,}")
    else:
        title = words("nothing", model=_name(model))
    support = []
    if interval := scores.get("accuracy_ci95"):
        support.append(words("interval", low=percent(interval[0]), high=percent(interval[1])))
    leaked = scores.get("leaked")
    if leaked is None:
        support.append(words("leak_unknown"))
    elif leaked and scores.get("unseen_n"):
        part = {"leaked": f"{leaked:,}", "n": f"{scores['unseen_n']:,}", "percent": percent(scores["unseen_accuracy"])}
        support.append(words("unseen_beside", **part))
    elif judgement.n:
        support.append(words("all_leaked", leaked=f"{leaked:,}") if leaked else words("leak_free"))
    meta = words("meta", data=data, labels=f"{len(judgement.labels):,}", errors=f"{judgement.errors:,}")
    return element(
        "header",
        element("p", element("b", words("eyebrow")), " · ", element("span", _name(model)), class_="eyebrow"),
        element("h1", title),
        element("p", words.sentences(support), class_="support"),
        element("p", meta, class_="quiet"),
    )


def _scores(judgement: Judgement, scores: Mapping[str, Any], words: Words) -> Markup:
    if not judgement.n:
        return Markup("")
    parts = [("", "all_texts")] + ([("unseen_", "unseen_texts")] if scores.get("unseen_n") else [])
    rows = []
    for key in (*_SHARES, "mean_absolute_error"):
        if scores.get(key) is None:
            continue
        name = "exact" if key == "accuracy" and judgement.kind == "multi" else key
        cells = [_score(scores.get(part + key), scores.get(f"{part}{key}_ci95"), share=key in _SHARES) for part, _ in parts]
        rows.append([words(name), *cells])
    rows.append([words("texts"), *[f"{scores[part + 'n']:,}" for part, _ in parts]])
    head = [words("score"), *[words(key) for _, key in parts]]
    return section("scores", words("scores"), _table("scores", head, rows, words), lead=words("scores_lead"))


def _score(value: float | None, interval: Sequence[float] | None, *, share: bool) -> Markup:
    show = percent if share else (lambda number: fixed(number, 3))
    if not interval:
        return join(show(value))
    low, high = (show(edge) for edge in interval)
    return join(element("b", show(value)), " ", element("span", f"[{low}, {high}]", class_="interval"))


def _lengths(judgement: Judgement, words: Words) -> Markup:
    rows = [
        [
            words("range", low=f"{one.shortest:,}", high=f"{one.longest:,}"),
            f"{one.n:,}",
            _score(one.accuracy, one.ci95, share=True),
            meter(one.accuracy, one.ci95),
        ]
        for one in judgement.slices
    ]
    head = [words("characters"), words("texts"), words("accuracy"), ""]
    return section("lengths", words("lengths"), _table("lengths", head, rows, words), lead=words("lengths_lead"))


def _reliability(judgement: Judgement, words: Words) -> Markup:
    several = judgement.kind == "multi"
    plot = reliability_plot(judgement.bins, words, several=several)
    if not plot:
        return Markup("")
    total = sum(one.n for one in judgement.bins)
    gap = sum(one.n * (one.confidence - one.accuracy) for one in judgement.bins) / total
    if (judgement.calibration_error or 0.0) < 0.03:
        verdict = words("verdict_good")
    elif abs(gap) < 0.01:
        verdict = ""
    else:
        verdict = words("verdict_sure" if gap > 0 else "verdict_modest", gap=percent(abs(gap)))
    lines = [
        (words("ece"), percent(judgement.calibration_error)),
        (words("ece_mass"), percent(judgement.calibration_error_mass)),
        (words("brier"), fixed(judgement.brier, 3)),
        (words("log_loss_multi" if several else "log_loss"), fixed(judgement.log_loss, 3)),
    ]
    facts = element("dl", *[join(element("dt", name), element("dd", value)) for name, value in lines], class_="facts")
    told = element("p", verdict, class_="verdict") if verdict else ""
    body = element("div", plot, element("div", told, facts), class_="beside")
    return section("reliability", words("reliability"), body, lead=words("reliability_lead"))


def _confusion(scores: Mapping[str, Any], words: Words) -> Markup:
    table = scores.get("confusion")
    if not table:
        return Markup("")
    names, counts = table["labels"], table["counts"]
    if len(names) > MOST_LABELS:
        lead = words("confusion_pairs_lead", labels=f"{len(names):,}")
        return section("confusion", words("confusion"), confusion_pairs(names, counts, words), lead=lead)
    return section("confusion", words("confusion"), confusion_matrix(names, counts, words), lead=words("confusion_lead"))


def _labels(judgement: Judgement, words: Words) -> Markup:
    rows = [
        [one.label, *[percent(value) for value in (one.precision, one.recall, one.f1)], f"{one.n:,}", f"{one.given:,}"]
        for one in judgement.labels
        if one.n or one.given
    ]
    head = [words(key) for key in ("label", "precision", "recall", "f1", "has", "given")]
    return section("labels", words("labels"), _table("labels", head, rows, words), lead=words("labels_lead"))


def _kept(judgement: Judgement, words: Words) -> Markup:
    rows = [
        [
            one.kept,
            percent(one.at.kept),
            one.found,
            percent(one.at.precision),
            percent(one.at.recall),
            fixed(one.at.threshold, 4),
        ]
        for one in judgement.kept
    ]
    head = [words(key) for key in ("kept_label", "kept_share", "found_label", "precision", "recall", "threshold")]
    return section("kept", words("kept"), _table("kept", head, rows, words), lead=words("kept_lead"))


def _table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: Words) -> Markup:
    """A table whose first column names the row; nothing without rows."""
    if not rows:
        return Markup("")
    top = element("tr", *[element("th", text, scope="col", class_="number" if k else None) for k, text in enumerate(head)])
    body = []
    for first, *rest in rows:
        cells = [element("td", cell, class_="meter" if cell.startswith("<svg") else "number") for cell in rest]
        body.append(element("tr", element("th", first, scope="row", lang=language_tag(first, None)), *cells))
    table = element("table", element("thead", top), element("tbody", *body), class_=name)
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words(name))


def _cases(name: str, cases: Sequence[Case], total: int, words: Words) -> Markup:
    if not cases:
        return Markup("")
    items = [_case(case, words, wrong=name == "worst") for case in cases]
    all_shown = name == "doubtful" and total == len(cases)
    lead = words(f"{name}_all_lead" if all_shown else f"{name}_lead", shown=f"{len(cases):,}", n=f"{total:,}")
    hint = [] if any(case.nearest for case in cases) else [element("p", words("no_neighbours"), class_="quiet")]
    return section(name, words(name), element("ol", *items, class_="cases"), *hint, lead=lead)


def _case(case: Case, words: Words, *, wrong: bool) -> Markup:
    """A text, the two labels with their probabilities, and the training text most like it."""
    lines = [
        (words("in_data"), case.label or words("no_label"), case.p_label),
        (words("answered" if wrong else "rather"), case.other or words("no_label"), case.p_other),
    ]
    facts = [
        join(
            element("dt", name),
            element("dd", element("b", label), lang=language_tag(label, None)),
            element("dd", _chance(chance), class_="p"),
        )
        for name, label, chance in lines
    ]
    flag = [element("dd", words("doubted"), class_="flag")] if wrong and case.doubted else []
    flag += [element("dd", words("trained_on"), class_="flag")] if case.trained_on else []
    shown = element("div", _text(case.text, words), element("p", case.place, class_="place"))
    return element("li", shown, element("dl", *facts, *flag), _near(case.nearest, words))


def _near(near: Near | None, words: Words) -> Markup:
    if near is None:
        return Markup("")
    label = element("b", near.label, lang=language_tag(near.label, None))
    about = join(words("nearest"), " · ", label, " · ", words("cosine", value=fixed(near.cosine, 2)))
    return element("div", element("p", about), _text(near.text, words), element("p", near.place, class_="place"), class_="near")


def _text(text: str, words: Words) -> Markup:
    rest = len(text) - _SHOWN
    body = join(text) if text.strip() else element("span", words("empty_text"), class_="quiet")
    if rest > 0:
        body = join(text[:_SHOWN], element("span", words("cut", n=f"{rest:,}"), class_="quiet"))
    return element("div", body, class_="text", lang=language_tag(text, None), dir="auto")


def _chance(share: float) -> str:
    """A probability, small ones not rounded to nothing."""
    return percent(share, 1 if 0.001 <= share <= 0.999 else 3) if share == share else MISSING


def _method(judgement: Judgement, words: Words, command: str) -> Markup:
    keys = ["method_intervals", "method_leak", "method_doubt"]
    if any(case.nearest for case in (*judgement.worst, *judgement.doubtful)):
        keys.append("method_near")
    told = element("ul", *[element("li", words(key)) for key in keys], class_="prose")
    again = ""
    if command:
        code = element("pre", element("code", command), tabindex="0")
        again = element("div", element("h3", words("again")), code, class_="commands")
    return section("method", words("method"), told, again)


def _name(model: str) -> str:
    return Path(model).name or model
