"""Reference hypervolumes for tests/front.rs, by pygmo 2.20 and pymoo 0.6.2.

    pip install pygmo==2.20.* pymoo==0.6.2 && python hypervolume.py

Points come from a linear congruential generator that the test repeats; those with three and more
objectives are put on the unit sphere, so that few dominate others.
"""

import math

import numpy
import pygmo
from pymoo.indicators.hv import HV


def points(count, objectives, state):
    rows = []
    for _ in range(count):
        row = []
        for _ in range(objectives):
            state = (state * 1103515245 + 12345) % 2**31
            row.append(state / 2**31)
        length = math.sqrt(sum(x * x for x in row))
        rows.append([x / length for x in row] if objectives > 2 else row)
    return rows


for objectives, count in [(2, 200), (3, 200), (4, 60), (5, 40), (6, 25)]:
    rows = points(count, objectives, objectives)
    reference = [1.1] * objectives
    one = pygmo.hypervolume(rows).compute(reference)
    two = HV(ref_point=numpy.array(reference))(numpy.array(rows))
    assert abs(one - two) < 1e-9 * one, (one, two)
    print(f"({objectives}, {count}, {one!r}),")
