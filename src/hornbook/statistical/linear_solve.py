"""From sparse rows and targets to the weights of a linear model: four losses, naive Bayes, the cost C and calibration.

Every solver returns (weights (F, K'), bias (K',)) such that softmax(rows weights + bias) are the probabilities; two classes
have one output (K' = 1), the log-odds of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.features import SparseRows
from hornbook.statistical.lbfgs import minimise
from hornbook.statistical.linear_kernels import add_transposed, count_rows, solve_logistic, solve_svm, times_dense

Floats: TypeAlias = NDArray[np.float64]
Loss: TypeAlias = Literal["svm", "hinge", "logistic"]
Model: TypeAlias = tuple[Floats, Floats]


def outputs(targets: NDArray[np.int64], classes: int) -> Floats:
    """(n, K') +1 where the target is the output's class, else -1: the binary problems of one against the rest."""
    kinds = np.arange(classes) if classes > 2 else np.array([1])
    return np.where(targets[:, None] == kinds, 1.0, -1.0)


def log_count_ratios(rows: SparseRows, targets: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """(K', F) log of how much commoner a feature is in rows of the output's class than in the others.

    Wang and Manning (2012), equation 2, over binary counts with add-one smoothing.
    """
    counts = np.zeros((rows.width, classes))
    count_rows(rows.starts, rows.columns, targets, counts)
    inside = (counts if classes > 2 else counts[:, 1:]).T
    p, q = 1.0 + inside, 1.0 + counts.sum(axis=1) - inside
    ratios = np.log(p / p.sum(axis=1, keepdims=True)) - np.log(q / q.sum(axis=1, keepdims=True))
    return np.ascontiguousarray(ratios, dtype=np.float32)


def solve_binary(
    rows: SparseRows,
    signs: Floats,
    costs: Floats,
    *,
    loss: Loss,
    ratios: NDArray[np.float32] | None,
    tolerance: float,
    seed: int,
    passes: int = 1000,
) -> Floats:
    """(F + 1,) weights and bias for one +1 / -1 problem; costs (n,) is C of each row; ratios scale the features first."""
    values = rows.values if ratios is None else rows.values * ratios[rows.columns]
    weights = np.zeros(rows.width + 1)
    data = (rows.starts, rows.columns, values, signs)
    if loss == "logistic":
        alphas = np.minimum(1e-3 * costs, 1e-8)  # as LIBLINEAR: near 0, where most end
        start = np.repeat(alphas * signs, np.diff(rows.starts)) * values
        weights[:-1] = np.bincount(rows.columns, weights=start, minlength=rows.width)
        weights[-1] = float(alphas @ signs)
        solve_logistic(*data, costs, tolerance, passes, seed, alphas, weights)
    else:
        soft = loss == "svm"
        upper = np.full(signs.size, np.inf) if soft else costs
        softness = 0.5 / costs if soft else np.zeros(signs.size)
        solve_svm(*data, upper, softness, tolerance, passes, seed, np.zeros(signs.size), weights)
    if ratios is not None:
        weights[:-1] *= ratios
    return weights


def solve_one_against_rest(
    rows: SparseRows,
    targets: NDArray[np.int64],
    classes: int,
    costs: Floats,
    *,
    loss: Loss,
    by_ratios: bool,
    tolerance: float,
    seed: int,
    threads: int,
) -> Model:
    """One binary problem a class, on `threads` threads."""

    problems = outputs(targets, classes).T.copy()
    ratios = log_count_ratios(rows, targets, classes) if by_ratios else [None] * len(problems)

    def solve(signs: Floats, scale: NDArray[np.float32] | None) -> Floats:
        return solve_binary(rows, signs, costs, loss=loss, ratios=scale, tolerance=tolerance, seed=seed)

    if threads > 1 and len(problems) > 1:
        with ThreadPoolExecutor(threads) as pool:
            solved = np.array(list(pool.map(solve, problems, ratios)))
    else:
        solved = np.array([solve(signs, scale) for signs, scale in zip(problems, ratios)])
    return np.ascontiguousarray(solved[:, :-1].T), solved[:, -1]


def added(rows: SparseRows, models: Sequence[Model]) -> Model:
    """The model whose scores are the sum of the others', each divided by its standard deviation over `rows`."""
    spreads = [float(dense_product(rows, *model).std()) or 1.0 for model in models]
    weights = sum((model[0] / spread for model, spread in zip(models, spreads)), np.zeros_like(models[0][0]))
    bias = sum((model[1] / spread for model, spread in zip(models, spreads)), np.zeros_like(models[0][1]))
    return weights, bias


def solve_multinomial(rows: SparseRows, targets: NDArray[np.int64], classes: int, costs: Floats, *, tolerance: float) -> Model:
    """min 1/2 |weights|^2 + sum costs_i (-log softmax at the target), the bias not regularised, by L-BFGS."""
    kinds = max(classes, 2)

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights, bias = flat[:-kinds].reshape(rows.width, kinds), flat[-kinds:]
        logits = dense_product(rows, weights, bias)
        logs = logits - _log_sum(logits)
        value = 0.5 * float(np.vdot(weights, weights)) - float(costs @ logs[np.arange(len(rows)), targets])
        residuals = np.exp(logs)
        residuals[np.arange(len(rows)), targets] -= 1.0
        residuals *= costs[:, None]
        gradient = flat.copy()
        gradient[-kinds:] = residuals.sum(axis=0)
        add_transposed(rows.starts, rows.columns, rows.values, residuals, gradient[:-kinds].reshape(rows.width, kinds))
        return value, gradient

    found = minimise(objective, np.zeros((rows.width + 1) * kinds), gradient=0.01 * tolerance, iterations=500)
    weights, bias = found.point[:-kinds].reshape(rows.width, kinds), found.point[-kinds:]
    if kinds == 2:
        return weights[:, 1:] - weights[:, :1], bias[1:] - bias[:1]
    return weights, bias


def solve_naive_bayes(rows: SparseRows, targets: NDArray[np.int64], classes: int, *, smoothing: float = 1.0) -> Model:
    """Multinomial naive Bayes: log P(feature | class) with `smoothing` added to every count, and log P(class)."""
    owners = np.repeat(targets, np.diff(rows.starts))
    cells = rows.columns.astype(np.int64) * classes + owners
    counts = np.bincount(cells, weights=rows.values, minlength=rows.width * classes).reshape(rows.width, classes) + smoothing
    weights = np.log(counts) - np.log(counts.sum(axis=0))
    bias = np.log(np.bincount(targets, minlength=classes) / len(targets))
    return (weights, bias) if classes > 2 else (weights[:, 1:] - weights[:, :1], bias[1:] - bias[:1])


def dense_product(rows: SparseRows, weights: Floats, bias: Floats) -> Floats:
    """(n, K') rows weights + bias."""
    result: Floats = times_dense(rows.starts, rows.columns, rows.values, weights, bias)
    return result


def probabilities(scores: Floats) -> Floats:
    """(n, K) softmax of the scores (n, K'); a single score is the log-odds of the second class."""
    logits = np.column_stack([np.zeros(len(scores)), scores]) if scores.shape[1] == 1 else scores
    result: Floats = np.exp(logits - _log_sum(logits))
    return result


def calibration(scores: Floats, targets: NDArray[np.int64], classes: int) -> tuple[float, Floats]:
    """Slope and offsets (K',) for which softmax(slope scores + offsets) fits held-out targets best.

    Platt (1999) for two classes; for more, one slope for all. As there, a target is (n + 1) / (n + K) of its class and the rest
    is spread over the others, so that separable scores keep finite slopes; a negative slope is not allowed.
    """
    counts = np.bincount(targets, minlength=classes)[targets]
    wanted = np.repeat((1.0 / (counts + classes))[:, None], classes, axis=1)
    wanted[np.arange(targets.size), targets] = (counts + 1.0) / (counts + classes)

    def objective(flat: Floats) -> tuple[float, Floats]:
        scaled = np.exp(flat[0]) * scores + flat[1:]
        found = probabilities(scaled)
        value = -float(np.sum(wanted * np.log(np.maximum(found, 1e-300)))) / targets.size
        residuals = (found - wanted) / targets.size
        residuals = residuals[:, 1:] if scores.shape[1] == 1 else residuals
        return value, np.append(np.vdot(residuals, scaled - flat[1:]), residuals.sum(axis=0))

    found = minimise(objective, np.zeros(1 + scores.shape[1]), iterations=100, gradient=1e-6)
    return float(np.exp(np.clip(found.point[0], -5.0, 5.0))), found.point[1:]


def calibration_by_length(scores: Floats, lengths: Floats, targets: NDArray[np.int64]) -> tuple[float, Floats, Floats]:
    """Slope, offsets (K,) and rates (K,) for which softmax(slope scores + offsets + rates lengths) fits held-out targets best.

    The rates undo what a generative score of a small class gains by every unknown token. The rates are kept small:
    their squares, and those of the offsets, count a thousandth against the mean log-likelihood.
    """
    classes = scores.shape[1]
    middle = float(lengths.mean()) or 1.0
    places, shares = np.arange(targets.size), lengths / middle

    def objective(flat: Floats) -> tuple[float, Floats]:
        scaled = np.exp(flat[0]) * scores / middle
        residuals = probabilities(scaled + flat[1 : 1 + classes] + shares[:, None] * flat[1 + classes :])
        value = -float(np.log(np.maximum(residuals[places, targets], 1e-300)).mean()) + 0.5e-3 * float(flat[1:] @ flat[1:])
        residuals[places, targets] -= 1.0
        residuals /= targets.size
        slopes = np.concatenate([[np.vdot(residuals, scaled)], residuals.sum(axis=0), shares @ residuals])
        slopes[1:] += 1e-3 * flat[1:]
        return value, slopes

    found = minimise(objective, np.zeros(1 + 2 * classes), iterations=200, gradient=1e-6).point
    return float(np.exp(found[0])) / middle, found[1 : 1 + classes], found[1 + classes :] / middle


def folds_of(texts: Sequence[str], targets: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """(n,) a fold for every text: equal texts share one, and the classes are spread evenly."""
    seen: dict[str, int] = {}
    given = np.zeros(int(targets.max()) + 1, dtype=np.int64)
    result = np.empty(len(texts), dtype=np.int64)
    for i, (text, target) in enumerate(zip(texts, targets)):
        if text not in seen:
            seen[text] = (int(given[target]) + int(target)) % folds
            given[target] += 1
        result[i] = seen[text]
    return result


def sample_rows(rows: SparseRows, targets: NDArray[np.int64], values: int, *, seed: int) -> NDArray[np.int64]:
    """Row numbers, rising, that hold about `values` numbers: of every class an equal share, but no fewer than 50."""
    share = min(1.0, values / max(rows.values.size, 1))
    order = np.random.default_rng(seed).permutation(len(rows))
    order = order[np.argsort(targets[order], kind="stable")]
    counts = np.bincount(targets)
    ranks = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = ranks < np.repeat(np.maximum(50, np.ceil(share * counts)), counts)
    return np.sort(order[kept])


def held_out_scores(
    rows: SparseRows, folds: NDArray[np.int64], fit: Callable[[SparseRows, NDArray[np.int64]], Model]
) -> Floats:
    """(n, K') the score of every row by a model of the other folds; `fit` gets their rows and row numbers."""
    parts: list[Floats] = []
    places: list[NDArray[np.int64]] = []
    for fold in np.unique(folds):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        parts.append(dense_product(rows.select(inside), *fit(rows.select(outside), outside)))
        places.append(inside)
    return np.concatenate(parts)[np.argsort(np.concatenate(places))]


def climb(tried: Sequence[float], score: Callable[[float], float]) -> float:
    """The best of rising values, looked for from the middle one outwards while the score rises; of equals the first found."""
    best = len(tried) // 2
    highest = score(tried[best])
    for direction in (1, -1):
        start = best
        place = start + direction
        while 0 <= place < len(tried) and (found := score(tried[place])) > highest:
            best, highest = place, found
            place += direction
        if best != start:
            break
    return tried[best]


def _log_sum(logits: Floats) -> Floats:
    """(n, 1) log of the sum of exp over each row."""
    peaks = logits.max(axis=1, keepdims=True)
    result: Floats = peaks + np.log(np.exp(logits - peaks).sum(axis=1, keepdims=True))
    return result
