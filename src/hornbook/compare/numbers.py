"""How numbers are printed for a reader: few digits, the unit beside them (after a space that does not break)."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "–"  # not measured


def fixed(value: float | None, decimals: int) -> str:
    """A number with that many decimals; a dash for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return text.replace("-", "\u2212") if float(text) else text.lstrip("-")


def decimals_for(values: Iterable[float | None], *, digits: int = 2, most: int = 3) -> int:
    """Decimals that show the smallest of the values with `digits` significant digits, at most `most`: one number a column."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value]
    if not sizes:
        return 0
    return max(0, min(most, digits - 1 - math.floor(math.log10(min(sizes)))))


def percent(share: float | None, decimals: int = 1) -> str:
    """0.613 as '61.3 %'."""
    text = fixed(None if share is None else share * 100, decimals)
    return text if text == MISSING else f"{text}\u00a0%"


def count(value: float | None) -> str:
    """Three significant digits and k, M, G or T: 12 345 678 as '12.3 M'."""
    if value is None or not math.isfinite(value):
        return MISSING
    size, unit = float(value), 0
    while abs(size) >= 999.5 and unit < 4:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{size:.0f}"
    decimals = 2 if abs(size) < 9.995 else 1 if abs(size) < 99.95 else 0
    return f"{size:.{decimals}f}\u00a0{' kMGT'[unit]}"


def duration(seconds: float | None) -> str:
    """'0.42 s', '8.1 s', '42 s', '6m 02s', '1h 05m': the letters that --budget takes."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.2f}\u00a0s" if 0 < seconds < 0.95 else f"{seconds:.1f}\u00a0s"
    if round(seconds) < 60:
        return f"{seconds:.0f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m\u00a0{rest:02d}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}h\u00a0{minutes:02d}m"


def round_duration(seconds: float) -> str:
    """A round time as short as it can be said, for axes and budgets: '30s', '5m', '1h 30m'."""
    whole = round(seconds)
    if seconds < 1 or whole != seconds:
        return f"{seconds:g}s"
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def ratio(actual: float | None, expected: float | None) -> float | None:
    """How many times the expected value came; None where either is missing or zero."""
    if not actual or not expected or not math.isfinite(actual) or not math.isfinite(expected):
        return None
    return actual / expected


def with_margin(value: float | None, interval: tuple[float, float] | None, decimals: int) -> str:
    """A score and half the width of its interval, as 0.882 ±0.014."""
    shown = fixed(value, decimals)
    return shown if value is None or interval is None else f"{shown} ±{fixed((interval[1] - interval[0]) / 2, decimals)}"
