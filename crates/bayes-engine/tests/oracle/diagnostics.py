"""Expected diagnostics of series that both sides make alike. Needs arviz 0.23.4; writes data/diagnostics.txt."""

import arviz as az
import numpy as np


def series(number):
    """Chains x draws of autoregressive series from a linear congruential generator."""
    state = 12345 + number
    chains, draws = 2 + number % 3, 40 + 37 * number
    phi = [0.0, 0.5, 0.9, -0.6, 0.99][number % 5]
    rows = []
    for chain in range(chains):
        x, row = 0.0, []
        for _ in range(draws):
            state = (state * 1103515245 + 12345) % 2147483648
            u = (state + 0.5) / 2147483648.0
            noise = u - 0.5
            if number % 4 == 1:
                noise = noise / (u * (1.0 - u))
            x = phi * x + noise
            value = x + (0.3 * chain if number % 6 == 5 else 0.0)
            if number % 7 == 3:
                value = float(np.floor(value * 4.0))
            row.append(value)
        rows.append(row)
    return np.array(rows)


print("# ArviZ 0.23.4: number, r_hat, ess_bulk, ess_tail, ess_mean, mcse_mean, mcse_sd, hdi low, hdi high (0.94)")
for number in range(24):
    x = series(number)
    low, high = az.hdi(x.reshape(-1), hdi_prob=0.94)
    values = [
        az.rhat(x), az.ess(x, method="bulk"), az.ess(x, method="tail"), az.ess(x, method="mean"),
        az.mcse(x, method="mean"), az.mcse(x, method="sd"), low, high,
    ]
    print(number, *(repr(float(value)) for value in values))
