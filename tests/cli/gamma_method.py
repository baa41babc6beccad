"""Two Γ-methods in numpy, independent of the program's: errors of the mean of histories (chain, step)."""
import numpy as np


def autocovariance(delta, n_lag):
    """(n_lag) sums of products of numbers at a distance within the chains of delta (chain, step)."""
    n = delta.shape[1]
    padded = np.fft.rfft(delta, 2 * n, axis=1)
    return np.fft.irfft((np.abs(padded) ** 2).sum(axis=0), 2 * n)[:n_lag]


def wolff(history, S=2.0):
    """(error, tau_int) with the automatic window of U. Wolff, hep-lat/0306017, and its corrections of bias, as pyerrors has it."""
    chains, n = history.shape
    N, most = chains * n, n // 2
    delta = history - history.mean(axis=1, keepdims=True)  # each replica has its own mean there
    gamma = autocovariance(delta, most) / (chains * (n - np.arange(most)))
    sums = np.maximum(np.cumsum(np.concatenate(([0.5], gamma[1:] / gamma[0]))), 0.5 + np.finfo(float).eps)
    W = np.arange(1, most)
    tau = S / np.log((2 * sums[1:] + 1) / (2 * sums[1:] - 1))
    last = [w for w in W if np.exp(-w / tau[w - 1]) - tau[w - 1] / np.sqrt(w * N) < 0 or w >= most - 1][0]
    tau_int = sums[last] * (1 + (2 * last + 1) / N) / (1 + 1 / N)
    return np.sqrt(2 * tau_int * gamma[0] * (1 + 1 / N) / N), tau_int


def geyer(history):
    """(error, tau_int, R-hat) as docs/results.md says under "Errors of chains"."""
    chains, n = history.shape
    N = chains * n
    delta = history - history.mean()
    gamma = autocovariance(delta, n) / N  # (1 - t/n) Γ(t)
    last = n - 1 if chains > 1 else n // 2
    total, W = 0.0, 0
    while W + 2 <= last:
        pairs = gamma[W] + 2 * gamma[W + 1] + gamma[W + 2]
        if not pairs > 0:
            break
        total, W = total + pairs, W + 2
    of_mean = total / N / (1 - W * (2 - W / n) / N)  # the variance of the mean, which subtracting it takes from every product
    variance = gamma[0] + of_mean
    whole = max(N * of_mean, (variance + gamma[1] + of_mean) / 2)
    error, tau_int, rhat = np.sqrt(whole / N), whole / variance / 2, None
    if chains > 1:
        means, within = delta.mean(axis=1), delta.var(axis=1, ddof=1).mean()
        between = means.var(ddof=1)
        rhat = np.sqrt((n - 1) / n + between / within)
        ratio = between / chains / error**2
        a, b = 2 / (9 * (chains - 1)), 2 / (9 * N / (2 * W + 1))  # F-test
        root = np.cbrt(ratio)
        if ((1 - b) * root - (1 - a)) / np.sqrt(b * root**2 + a) > 2.5:
            error, tau_int = error * np.sqrt(ratio), tau_int * ratio
    return error, tau_int, rhat
