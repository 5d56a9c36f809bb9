"""The sections of the report after the ranking: charts, sample texts, forecasts, facts, method, commands."""

from __future__ import annotations

import math
import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from hornbook.compare.advice import late_gain, ranked
from hornbook.compare.numbers import count, decimals_for, duration, fixed, percent, ratio
from hornbook.compare.report.cost import COSTS, beyond_chart, cost_chart, cost_of
from hornbook.compare.report.curves import BITS, MISSES, Measure, curve_chart, off_chart, same_text, with_misses
from hornbook.compare.report.marks import Look, swatch
from hornbook.compare.report.markup import Markup, element, join, prose
from hornbook.compare.results import RaceResult, RaceRow, SplitSummary
from hornbook.compare.words import Words

WIDE, NARROW = (1000.0, 430.0), (380.0, 380.0)
QUANTITIES = ("tokens", "seconds", "bits_per_byte", "peak_rss_mb", "size_mb", "latency_ms", "parameters", "tokens_per_second")


def section(name: str, title: str, *children: str, lead: str = "") -> Markup:
    """A section with its heading; nothing at all where it has no content."""
    if not any(children):
        return Markup("")
    intro = (element("p", lead, class_="lead"),) if lead else ()
    return element(
        "section", element("h2", title, id=f"{name}-heading"), *intro, *children, id=name, aria_labelledby=f"{name}-heading"
    )


def curves(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """Learning curves against time (logarithmic, linear) and tokens, and who was still improving."""
    if not any(len(row.curve) > 1 for row in result.rows):
        return Markup("")
    notes = []
    gains = {row.name: late_gain(row.curve) for row in result.rows}
    improving = [f"{name} (\u2212\u2060{gain:.3f})" for name, gain in gains.items() if gain > 0.005]
    if improving:
        notes.append(
            element("p", words.sentences((words("curves_improving", names=words.listing(improving)), words("curves_note"))))
        )
    if not same_text(result.rows):
        notes.append(element("p", words("curves_sample"), class_="quiet"))
    if beyond := off_chart(result.rows, words):
        notes.append(element("p", words("off_chart", names=words.listing(beyond))))
    charts = _curve_tabs(result.rows, looks, words, BITS)
    return section("curves", words("curves"), charts, legend(result.rows, words), *notes, lead=words("curves_lead"))


def masked_curves(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """Learning curves of the models that guess hidden tokens, which have no bits per byte."""
    rows = with_misses(result.rows)
    if not rows:
        return Markup("")
    beyond = off_chart(rows, words)
    notes = [element("p", words("off_chart", names=words.listing(beyond)))] if beyond else []
    charts = _curve_tabs(rows, looks, words, MISSES)
    return section(
        "masked-curves", words("masked_curves"), charts, legend(rows, words), *notes, lead=words("masked_curves_lead")
    )


def _curve_tabs(rows: Sequence[RaceRow], looks: dict[str, Look], words: Words, measure: Measure) -> Markup:
    return tabs(
        [
            panel(
                words(f"curve_{axis}"),
                curve_chart(rows, looks, words, axis=axis, size=WIDE, kind="wide", measure=measure),
                curve_chart(rows, looks, words, axis=axis, size=NARROW, kind="narrow", measure=measure),
            )
            for axis in ("log", "linear", "tokens")
        ]
    )


def costs(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """Bits per byte against size, latency and training time: three charts that a script turns into tabs."""
    panels = []
    for cost in COSTS:
        if sum(row.bits_per_byte is not None and cost_of(row, cost) is not None for row in result.rows) > 1:
            wide = cost_chart(result.rows, looks, words, cost=cost, size=WIDE, kind="wide")
            narrow = cost_chart(result.rows, looks, words, cost=cost, size=NARROW, kind="narrow")
            beyond = beyond_chart(result.rows, cost)
            note = [element("p", words("off_chart", names=words.listing(beyond)), class_="quiet")] if beyond else []
            panels.append(panel(words(f"tab_{cost}"), wide, narrow, *note))
    return section("frontier", words("frontier"), tabs(panels) if panels else "", lead=words("frontier_lead"))


def legend(rows: Sequence[RaceRow], words: Words) -> Markup:
    """What the shapes mean: the generations that took part."""
    shapes = {1: "cross", 2: "square", 3: "circle", 4: "diamond"}
    items = [
        element("span", swatch(Look("ink", shapes[number])), words(f"generation_{number}"))
        for number in sorted({row.generation for row in rows} & shapes.keys())
    ]
    if any(row.too_small_to_judge for row in rows):
        items.append(element("span", swatch(Look("ink", "circle", hollow=True)), words("judge")))
    return element("p", *items, class_="legend")


def samples(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """The models' own texts, side by side for each beginning."""
    groups = []
    for number in range(max((len(row.samples) for row in result.rows), default=0)):
        prompt = result.prompts[number] if number < len(result.prompts) else ""
        entries = []
        for row in result.rows:
            if number < len(row.samples):
                term = element("dt", swatch(looks[row.name]), row.name)
                entries.append(join(term, _sample(row.samples[number], prompt, result.corpus.language)))
        groups.append(element("dl", *entries, class_="samples"))
    lead = words("samples_lead" if result.prompts else "samples_lead_plain")
    return section("samples", words("samples"), *groups, lead=lead)


def language_tag(text: str, language: str | None) -> str | None:
    """The lang attribute of a text: the corpus's language, else what its script tells (East Asian fonts depend on it)."""
    if language:
        return "zh-Hans" if language.lower() in ("zh", "zh-cn", "cmn") else language
    names = [unicodedata.name(letter, "") for letter in text[:2000] if ord(letter) > 0x2FFF]
    if any(name.startswith(("HIRAGANA", "KATAKANA")) for name in names):
        return "ja"
    if any(name.startswith("HANGUL") for name in names):
        return "ko"
    return "zh-Hans" if any(name.startswith("CJK UNIFIED") for name in names) else None


def forecasts(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """Forecast beside outcome for every quantity that has both."""
    keys = [key for key in QUANTITIES if any(key in row.forecast and key in row.actual for row in result.rows)]
    keys += sorted({key for row in result.rows for key in row.forecast.keys() & row.actual.keys()} - set(keys))
    rows = [row for row in result.rows if row.forecast and row.actual]
    if not keys or not rows:
        return Markup("")
    printers = {key: _printer(key, rows) for key in keys}
    names = [words.known(f"quantity_{key}", key.replace("_", " ")) for key in keys]
    head = element(
        "tr", element("th", words("model"), scope="col"), *[element("th", name, scope="col", class_="number") for name in names]
    )
    body = [
        element(
            "tr",
            element("th", swatch(looks[row.name]), row.name, scope="row", class_="model"),
            *[_foretold(row.forecast.get(key), row.actual.get(key), printers[key], words) for key in keys],
        )
        for row in rows
    ]
    table = element("table", element("thead", head), element("tbody", *body), class_="forecast")
    box = element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words("forecast"))
    return section("forecast", words("forecast"), box, lead=words("forecast_lead"))


def stages(result: RaceResult, words: Words) -> Markup:
    """A bar for each stage of the race."""
    spent = {name: seconds for name, seconds in result.stage_seconds.items() if math.isfinite(seconds) and seconds > 0}
    if not spent:
        return Markup("")
    rest = result.seconds - sum(spent.values())
    if rest > 0.01 * result.seconds:
        spent[words("stage_other")] = rest
    longest, total = max(spent.values()), sum(spent.values())
    rows = [
        element(
            "tr",
            element("th", words.known(f"stage_{name}", name), scope="row"),
            element("td", element("span", class_="bar", style=f"width:{100 * seconds / longest:.1f}%"), class_="bars"),
            element("td", duration(seconds), class_="number"),
            element("td", percent(seconds / total, 0), class_="number quiet"),
        )
        for name, seconds in spent.items()
    ]
    return section("time", words("time"), element("table", element("tbody", *rows), class_="stages"))


def facts(result: RaceResult, words: Words) -> Markup:
    """Text, tokenizer, machine, settings and versions as lists of facts."""
    corpus, tokenizer, machine = result.corpus, result.tokenizer, result.machine
    splits = {words.known(f"split_{name}", name): _split(split, words) for name, split in corpus.splits.items()}
    language = {words("language"): corpus.language} if corpus.language else {}
    cards = [
        (words("corpus"), {words("name"): corpus.name} | splits | language | corpus.facts),
        (
            words("tokenizer"),
            {
                words("kind"): tokenizer.kind,
                words("vocabulary"): f"{tokenizer.size:,}",
                words("bytes_per_token"): fixed(tokenizer.bytes_per_token, 2),
                words("fertility"): fixed(tokenizer.fertility, 2),
                words("unknown_rate"): percent(tokenizer.unknown_rate, 2),
            }
            | tokenizer.facts,
        ),
        (
            words("machine"),
            {
                words("processor"): machine.cpu or "–",
                words("cores"): count(machine.cores),
                words("threads"): count(machine.threads),
                words("ram"): "–" if machine.memory_gb is None else f"{fixed(machine.memory_gb, 1)} GB",
                words("device"): machine.device,
            }
            | machine.facts,
        ),
        (words("settings"), {words("seed"): str(result.seed)} | result.settings),
        (words("versions"), result.versions),
    ]
    boxes = [
        element("div", element("h3", title), _facts(lines), class_="card")
        for title, lines in cards
        if any(value != "–" for value in lines.values())
    ]
    return section("facts", words("facts"), element("div", *boxes, class_="cards"))


def method(result: RaceResult, words: Words) -> Markup:
    """The protocol in words."""
    blocks = re.fullmatch(r"blocks of ([\d,]+) tokens", result.interval_unit)
    named = words.known(f"unit_{result.interval_unit}", result.interval_unit)
    unit = words("unit_blocks", tokens=blocks[1]) if blocks else named
    units = "–" if result.interval_units is None else f"n = {result.interval_units:,}"
    sentences = [
        words("method_bits"),
        words("method_document"),
        words("method_interval", unit=unit, units=units),
        words("method_tokenizer"),
        words("method_budget"),
    ]
    if any(row.cloze_accuracy is not None for row in result.rows):
        sentences.insert(3, words("method_cloze"))
    if any(row.masked_accuracy is not None for row in result.rows):
        sentences.insert(4, words("method_masked"))
    if any(row.context is not None for row in result.rows):
        sentences.append(words("method_context"))
    return section(
        "method", words("method"), element("ul", *[element("li", sentence) for sentence in sentences], class_="prose")
    )


def usage(result: RaceResult, words: Words) -> Markup:
    """Commands for every saved model, the same in Python, and how to run the race again."""
    saved = [row for row in ranked(result.rows) if row.model]
    parts: list[Markup] = []
    if saved:
        write = [f"hornbook generate {saved_at(result, row)}" for row in saved]
        python = ["import hornbook", f"model = hornbook.load({_folder(result, saved[0])!r})"]
        parts.append(_commands(words("use_generate"), write))
        parts.append(_commands(words("use_evaluate"), [f"hornbook evaluate {saved_at(result, saved[0])} text.txt"]))
        parts.append(_commands(words("use_python"), python))
    guessing = [row for row in result.rows if row.model and row.masked_accuracy is not None]
    if guessing:
        gap = shlex.quote(words("use_gap"))
        parts.append(_commands(words("use_fill"), [f"hornbook fill {saved_at(result, row)} {gap}" for row in guessing]))
    asked = [(row, next(iter(row.word_map.neighbours), "")) for row in result.rows if row.model and row.word_map]
    if asked:
        near = [f"hornbook neighbours {saved_at(result, row)} {shlex.quote(word)}" for row, word in asked]
        parts.append(_commands(words("use_neighbours"), near))
    if result.command:
        parts.append(_commands(words("reproduce"), [result.command], words("reproduce_lead")))
    return section("use", words("use"), *parts)


def remarks(result: RaceResult, words: Words) -> Markup:
    """Alarms first, then notes, each beside the model it is about."""
    parts = []
    of_rows = {f"{row.name}: {text}" for row in result.rows for text in row.alarms}  # shown beside their model
    for kind, general in (("alarms", [text for text in result.alarms if text not in of_rows]), ("notes", [])):
        lines = [element("li", prose(text)) for text in general]
        for row in result.rows:
            texts = row.alarms if kind == "alarms" else row.notes
            lines += [element("li", element("b", row.name), " ", prose(text)) for text in texts]
        if lines:
            parts.append(section(kind, words(kind), element("ul", *lines, class_=f"prose {kind}")))
    return join(*parts)


def saved_at(result: RaceResult, row: RaceRow) -> str:
    """The folder of a saved model, as a shell takes it."""
    return shlex.quote(_folder(result, row))


def _folder(result: RaceResult, row: RaceRow) -> str:
    return "/".join(part.rstrip("/") for part in (result.folder, row.model or "") if part)


def panel(title: str, *charts: Markup) -> Markup:
    """One of several views; a script turns them into tabs."""
    return element("div", element("h3", title), *charts, class_="panel", data_tab=title)


def tabs(panels: Sequence[Markup]) -> Markup:
    """Views of the same thing, one below the other until the script shows one at a time."""
    return element("div", *panels, class_="tabs")


def _sample(text: str, prompt: str, language: str | None) -> Markup:
    body = join(element("b", prompt), text.removeprefix(prompt)) if prompt and text.startswith(prompt) else join(text)
    return element("dd", body, lang=language_tag(text, language), dir="auto")


def _printer(key: str, rows: Sequence[RaceRow]) -> Callable[[float | None], str]:
    """How a quantity is printed, with one number of decimals for the whole column."""
    if key == "seconds":
        return duration
    if key in ("tokens", "parameters", "tokens_per_second"):
        return count
    values = [value for row in rows for value in (row.forecast.get(key), row.actual.get(key))]
    decimals = 3 if key == "bits_per_byte" else 0 if key == "peak_rss_mb" else decimals_for(values, most=2)
    return lambda value: fixed(value, decimals)


def _foretold(forecast: float | None, actual: float | None, show: Callable[[float | None], str], words: Words) -> Markup:
    times = ratio(actual, forecast)
    missed = times is not None and not 1 / 1.5 <= times <= 1.5
    detail = [element("span", f"{words('foretold')} {show(forecast)}")] if forecast is not None else []
    if times is not None:
        detail.append(element("span", f"× {times:.2f}", class_="missed" if missed else "times"))
    return element("td", element("b", show(actual)), element("span", *detail, class_="detail"), class_="number")


def _split(split: SplitSummary, words: Words) -> str:
    fields = {"documents": f"{split.documents:,}", "bytes": count(split.bytes), "tokens": count(split.tokens)}
    return words("split" if split.tokens is None else "split_tokens", **fields)


def _facts(lines: Mapping[str, str]) -> Markup:
    shown = [(name, value) for name, value in lines.items() if value != "–"]
    return element("dl", *[join(element("dt", name), element("dd", str(value))) for name, value in shown], class_="facts")


def _commands(title: str, lines: Sequence[str], lead: str = "") -> Markup:
    code = [element("code", line) for line in lines]
    intro = (element("p", lead, class_="quiet"),) if lead else ()
    return element("div", element("h3", title), *intro, element("pre", *code, tabindex="0"), class_="commands")
