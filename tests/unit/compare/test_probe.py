from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.compare.probe import FamilySpeed, Probe, ShapeSpeed, busy_alarm, fit_cost, measure, run
from hornbook.core.errors import ContentError
from hornbook.core.events import Event, Note


def test_fit_finds_the_line_it_was_made_from() -> None:
    flops = [1e6, 1e7, 1e8]
    overhead, slope = fit_cost(flops, [2e-5 + 3e-12 * f for f in flops])
    assert overhead == pytest.approx(2e-5) and slope == pytest.approx(3e-12)


def test_fit_with_one_shape_or_with_noise_stays_a_cost() -> None:
    assert fit_cost([1e7], [1e-4]) == (0.0, pytest.approx(1e-11))
    overhead, slope = fit_cost([1e6, 1e7], [2e-4, 1e-4])  # the larger was faster: noise
    assert slope == 0.0 and overhead > 0
    overhead, slope = fit_cost([1e6, 1e7], [1e-6, 1e-4])  # a line below zero at zero
    assert overhead == 0.0 and slope > 0


@given(st.lists(st.tuples(st.floats(1e5, 1e10), st.floats(1e-7, 1e-1)), min_size=1, max_size=6))
def test_no_fit_forecasts_negative_time(points: list[tuple[float, float]]) -> None:
    overhead, slope = fit_cost([f for f, _ in points], [s for _, s in points])
    assert overhead >= 0 and slope >= 0 and overhead + slope > 0


def test_json_round_trip() -> None:
    shape = ShapeSpeed(2, 64, 3e6, 1000.0, 4000.0)
    probe = Probe({"gpt": FamilySpeed(1e-5, 1e-11, 4000.0, (shape,))}, 71.0, None, "a processor", 2, 8.0, "cpu", 3.5)
    assert Probe.from_json(probe.to_json()) == probe
    with pytest.raises(ContentError, match="gflops"):
        Probe.from_json(probe.to_json().replace("gflops_float32", "gflop_float32"))


def test_scoring_speed_scales_with_the_shape() -> None:
    family = FamilySpeed(0.0, 1e-10, 4000.0, (ShapeSpeed(2, 64, 1e6, 1e4, 4000.0),))
    assert family.evaluation_speed(1e6) == pytest.approx(4000.0)
    assert family.evaluation_speed(4e6) == pytest.approx(1000.0)
    assert FamilySpeed(1e-6, 0.0, 5e5).evaluation_speed(1e9) == 5e5


def test_every_family_is_measured_however_short_the_time() -> None:
    notes: list[Event] = []
    table = run(families=["gru", "gpt"], vocabulary=256, seconds=0.0, device="cpu", log=notes.append)
    import json

    probe = Probe.from_json(json.dumps(table))
    assert set(probe.families) == {"gru", "gpt"}
    assert all(len(family.shapes) == 1 for family in probe.families.values())
    assert all(
        family.tokens_per_second(1e6) > 0 and family.evaluation_tokens_per_second > 0 for family in probe.families.values()
    )
    assert probe.gflops_float32 > 0 and probe.cores >= 1 and probe.seconds > 0
    assert sum(isinstance(note, Note) for note in notes) == 2


def test_a_busy_machine_is_an_alarm() -> None:
    assert busy_alarm(3.9, 2) is None
    alarm = busy_alarm(6.9, 2)
    assert alarm is not None and "6.9" in alarm.text and alarm.remedy


def test_a_counting_model_is_measured() -> None:
    probe = measure(["unigram"], vocabulary=256, seconds=1.0, device="cpu")
    assert probe.families["unigram"].tokens_per_second() > 1000
