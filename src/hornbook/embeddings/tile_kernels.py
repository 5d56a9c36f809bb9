"""Products of small matrices in tiles of 4 rows, the inner loops of every block kernel, written in vector instructions.

The compiler's own vectors are half as wide as the registers of some processors, and sums along a row cost it as much as the
multiplications; these two tiles reach 110 and 150 GFLOP/s where plain loops reach 80 and 70 (Intel Xeon with AVX-512, one
core). A tile reuses each number loaded four times, so the processor multiplies instead of waiting for loads. The matrices
are C-contiguous float32 whose width is a multiple of 16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

ROWS = 4  # of a tile


def _lanes() -> int:
    features = llvmlite.binding.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx") else 4


_LANES = _lanes()  # float32 numbers of a register of this machine
_FLOAT, _INT, _SHORT = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, _LANES)
_FOUR = ir.VectorType(_FLOAT, 4)


def _number(value: int) -> Any:
    return ir.Constant(_INT, value)


def _multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """X * y + z."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{_LANES}f32"), [x, y, z])


def _load(builder: Any, data: Any, offset: Any) -> Any:
    value = builder.load(builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer()))
    value.align = 4
    return value


def _store(builder: Any, value: Any, data: Any, offset: Any) -> None:
    builder.store(value, builder.bitcast(builder.gep(data, [offset]), value.type.as_pointer())).align = 4


def _repeat(builder: Any, data: Any, offset: Any) -> Any:
    """One number in every lane."""
    empty = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(empty, builder.load(builder.gep(data, [offset])), ir.Constant(_SHORT, 0))
    return builder.shuffle_vector(single, empty, ir.Constant(ir.VectorType(_SHORT, _LANES), [0] * _LANES))


def _pick(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_SHORT, len(lanes)), lanes))


def _four_sums(builder: Any, vectors: list[Any]) -> Any:
    """<4 x float>: the sum over the lanes of each of four vectors, halved together instead of one after the other."""

    def halve(x: Any, y: Any, order: list[int]) -> Any:
        low = [group + (n % 2) + (_LANES if n >= 2 else 0) for group in range(0, _LANES, 4) for n in order]
        return builder.fadd(_pick(builder, x, y, low), _pick(builder, x, y, [lane + 2 for lane in low]))

    pairs = [halve(vectors[0], vectors[1], [0, 2, 1, 3]), halve(vectors[2], vectors[3], [0, 2, 1, 3])]
    total = halve(pairs[0], pairs[1], [0, 1, 2, 3])
    size = _LANES
    while size > ROWS:
        size //= 2
        halves = [_pick(builder, total, total, list(range(first, first + size))) for first in (0, size)]
        total = builder.fadd(*halves)
    return total


def _matrix(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any]:
    """Address of the first number, and the width of a row."""
    array = make_array(kind)(context, builder, value)
    return array.data, cgutils.unpack_tuple(builder, array.shape)[1]


@intrinsic
def _product_tile(typing: Any, x: Any, i: Any, y: Any, j: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
    """out[r, j + c] = x[i + r] . y[j + c] for r, c < 4."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x_data, width), (y_data, _), (out_data, out_width) = (
            _matrix(context, builder, signature.args[place], arguments[place]) for place in (0, 2, 4)
        )
        zero = ir.Constant(_VECTOR, [0.0] * _LANES)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(ROWS)] for _ in range(ROWS)]
        for place in (place for row in sums for place in row):
            builder.store(zero, place)  # at every call: alloca_once_value does so only once a function
        x_rows = [builder.mul(builder.add(arguments[1], _number(r)), width) for r in range(ROWS)]
        y_rows = [builder.mul(builder.add(arguments[3], _number(c)), width) for c in range(ROWS)]
        with cgutils.for_range_slice(builder, _number(0), width, _number(_LANES), intp=_INT) as (k, _):
            y_parts = [_load(builder, y_data, builder.add(row, k)) for row in y_rows]
            for r in range(ROWS):
                x_part = _load(builder, x_data, builder.add(x_rows[r], k))
                for c in range(ROWS):
                    builder.store(_multiply_add(builder, x_part, y_parts[c], builder.load(sums[r][c])), sums[r][c])
        for r in range(ROWS):
            start = builder.add(builder.mul(_number(r), out_width), arguments[3])
            _store(builder, _four_sums(builder, [builder.load(place) for place in sums[r]]), out_data, start)
        return context.get_dummy_value()

    return types.void(x, i, y, j, out), generate


def _combination_tile(registers: int) -> Any:
    """The intrinsic for so many registers of four rows at a time."""

    @intrinsic
    def tile(
        typing: Any, weights: Any, start: Any, down: Any, along: Any, first: Any, last: Any, y: Any, out: Any, row: Any, k: Any
    ) -> tuple[Any, Callable[..., Any]]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (weight_data, _), (y_data, width), (out_data, _) = (
                _matrix(context, builder, signature.args[place], arguments[place]) for place in (0, 6, 7)
            )
            _, start, down, along, first, last, _, _, row, k = arguments
            columns = [_number(register * _LANES) for register in range(registers)]
            out_rows = [builder.add(builder.mul(builder.add(row, _number(r)), width), k) for r in range(ROWS)]
            sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in columns] for _ in range(ROWS)]
            for r in range(ROWS):
                for place, column in zip(sums[r], columns):
                    builder.store(_load(builder, out_data, builder.add(out_rows[r], column)), place)
            weight_rows = [builder.add(start, builder.mul(down, _number(r))) for r in range(ROWS)]
            with cgutils.for_range_slice(builder, first, last, _number(1), intp=_INT) as (j, _):
                y_row, weight = builder.add(builder.mul(j, width), k), builder.mul(j, along)
                y_parts = [_load(builder, y_data, builder.add(y_row, column)) for column in columns]
                for r in range(ROWS):
                    factor = _repeat(builder, weight_data, builder.add(weight_rows[r], weight))
                    for place, y_part in zip(sums[r], y_parts):
                        builder.store(_multiply_add(builder, factor, y_part, builder.load(place)), place)
            for r in range(ROWS):
                for place, column in zip(sums[r], columns):
                    _store(builder, builder.load(place), out_data, builder.add(out_rows[r], column))
            return context.get_dummy_value()

        return types.void(weights, start, down, along, first, last, y, out, row, k), generate

    return tile


_four_registers, _three_registers = _combination_tile(4), _combination_tile(3)
_two_registers, _one_register = _combination_tile(2), _combination_tile(1)


@njit(cache=True, nogil=True)
def products(x: NDArray[np.float32], i: int, y: NDArray[np.float32], first: int, last: int, out: NDArray[np.float32]) -> None:
    """out[r, j] = x[i + r] . y[j] for r < 4 and first <= j < last; both are multiples of 4."""
    for j in range(first, last, ROWS):
        _product_tile(x, i, y, j, out)


@njit(cache=True, nogil=True)
def add_combinations(
    weights: NDArray[np.float32],
    start: int,
    down: int,
    along: int,
    y: NDArray[np.float32],
    first: int,
    last: int,
    out: NDArray[np.float32],
    row: int,
) -> None:
    """out[row + r] += sum over first <= j < last of w(r, j) y[j], r < 4; w(r, j) = weights.flat[start + r down + j along]."""
    k, width = 0, out.shape[1]
    while k + 4 * _LANES <= width:
        _four_registers(weights, start, down, along, first, last, y, out, row, k)
        k += 4 * _LANES
    if k + 3 * _LANES <= width:
        _three_registers(weights, start, down, along, first, last, y, out, row, k)
        k += 3 * _LANES
    if k + 2 * _LANES <= width:
        _two_registers(weights, start, down, along, first, last, y, out, row, k)
        k += 2 * _LANES
    if k < width:
        _one_register(weights, start, down, along, first, last, y, out, row, k)
