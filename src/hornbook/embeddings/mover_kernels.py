"""Exact transport between two small heaps: shortest augmenting paths with potentials, on whole numbers of mass."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def transport(supply: NDArray[np.int64], demand: NDArray[np.int64], costs: NDArray[np.float64]) -> float:
    """Least cost of moving `supply` (n,) to `demand` (m,), whole numbers of equal sum, at `costs` (n, m) >= 0 a unit.

    Successive shortest paths (Ahuja, Magnanti and Orlin 1993, section 9.7), Dijkstra on reduced costs over the dense graph.
    """
    n, m = costs.shape
    left, wanted = supply.copy(), demand.copy()
    flow = np.zeros((n, m), np.int64)
    potentials = np.zeros(n + m)
    distance = np.empty(n + m)
    parent = np.empty(n + m, np.int64)
    done = np.empty(n + m, np.bool_)
    while True:
        for i in range(n + m):
            distance[i] = 0.0 if i < n and left[i] > 0 else np.inf
            parent[i] = -1
            done[i] = False
        target = -1
        while True:
            node, nearest = -1, np.inf
            for i in range(n + m):
                if not done[i] and distance[i] < nearest:
                    node, nearest = i, distance[i]
            if node < 0:
                break
            done[node] = True
            if node >= n and wanted[node - n] > 0:
                target = node
                break
            if node < n:
                for j in range(m):
                    reduced = max(costs[node, j] + potentials[node] - potentials[n + j], 0.0)
                    if nearest + reduced < distance[n + j]:
                        distance[n + j] = nearest + reduced
                        parent[n + j] = node
            else:
                for i in range(n):
                    if flow[i, node - n] > 0:
                        reduced = max(potentials[node] - costs[i, node - n] - potentials[i], 0.0)
                        if nearest + reduced < distance[i]:
                            distance[i] = nearest + reduced
                            parent[i] = node
        if target < 0:
            break
        for i in range(n + m):
            potentials[i] += min(distance[i], distance[target])
        amount = wanted[target - n]
        node = target
        while parent[node] >= 0:
            if node < n:
                amount = min(amount, flow[node, parent[node] - n])
            node = parent[node]
        amount = min(amount, left[node])
        left[node] -= amount
        wanted[target - n] -= amount
        node = target
        while parent[node] >= 0:
            if node >= n:
                flow[parent[node], node - n] += amount
            else:
                flow[node, parent[node] - n] -= amount
            node = parent[node]
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += flow[i, j] * costs[i, j]
    return total
