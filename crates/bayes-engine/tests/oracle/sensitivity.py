"""Expected power-scaling sensitivities of draws that both sides make alike. Needs arviz 0.22.0; writes
data/sensitivity.txt."""

import arviz as az
import numpy as np

print("# ArviZ 0.22.0: set, psens")
for number in range(6):
    state = 99 + number

    def uniform():
        global state
        state = (state * 1103515245 + 12345) % 2147483648
        return (state + 0.5) / 2147483648.0

    draws = []
    for _ in range(400 + 100 * number):
        draws.append(0.5 * number + uniform() + uniform() + uniform() - 1.5)
    x = np.array([draws])
    logs = -0.5 * x * x * (1.0 + number)
    data = az.from_dict(posterior={"x": x})
    data.add_groups({"log_prior": {"x": logs}})
    print(number, repr(float(az.psens(data, component="prior")["x"])))
