"""The flow of bench_continuous written the usual way in PyTorch, in double: the same velocity, Runge-Kutta steps, batch, loss and optimiser,
convolutions by FFT, one thread. Usage: torch_continuous.py [L]...; default 8 16 32."""
import math
import sys
import time

import torch

BATCH, STEPS, F, H, D, RANGE = 64, 8, 8, 12, 4, 4.0
torch.set_default_dtype(torch.float64)


class Velocity(torch.nn.Module):
    """A kernel for every displacement: the symmetric part of it is what bench_continuous has."""

    def __init__(self, L):
        super().__init__()
        self.log_omega = torch.nn.Parameter(torch.zeros(()))
        self.mix = torch.nn.Parameter(torch.randn(F, H + 1) / math.sqrt(H + 1))
        self.kernel = torch.nn.Parameter(0.01 * torch.randn(D, F, L, L) / math.sqrt(F))
        self.k = torch.arange(1, H + 1)

    def forward(self, t, x):
        omega = math.pi / RANGE * torch.exp(self.log_omega)
        times = torch.cos(math.pi * t * torch.arange(D))
        kernel = torch.einsum("d,dfxy->fxy", times, self.kernel)
        angle = self.k[:, None, None] * omega * x[:, None]
        m = torch.cat([self.mix[:, :1], self.mix[:, 1:] / self.k], 1)
        sines = torch.cat([x[:, None], torch.sin(angle)], 1)
        g = torch.einsum("fk,bkxy->bfxy", m, sines)
        waves = (torch.fft.rfft2(g) * torch.fft.rfft2(kernel)).sum(1)
        own = kernel[:, 0, 0] @ m
        slopes = torch.cat([torch.ones_like(x)[:, None], self.k[:, None, None] * omega * torch.cos(angle)], 1)
        divergence = torch.einsum("k,bkxy->b", own, slopes)
        return torch.fft.irfft2(waves, s=x.shape[1:]), divergence


def sample(velocity, L):
    z = 0.4 * torch.randn(BATCH, L, L)
    x, logj, h = z, torch.zeros(BATCH), 1 / STEPS
    for s in range(STEPS):
        total, change, k = 0, 0, None
        for half, weight, along in ((0, 1 / 6, 0), (1, 1 / 3, 0.5), (1, 1 / 3, 0.5), (2, 1 / 6, 1)):
            k, d = velocity((s + half / 2) * h, x if k is None else x + h * along * k)
            total, change = total + weight * k, change + weight * d
        x, logj = x + h * total, logj + h * change
    return x, -0.5 * (z / 0.4).square().sum((1, 2)) - logj


def action(x, m2=-4.0, lam=4.572):
    nn = sum(x * torch.roll(x, -1, d) for d in (1, 2))
    return ((4 + m2) * x**2 - 2 * nn + lam * x**4).sum((1, 2))


def rate(f):
    f()
    best = 1e300
    for _ in range(3):
        t = time.thread_time()
        f()
        best = min(best, time.thread_time() - t)
    return BATCH / best


def main():
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, the same flow, batch {BATCH}, one thread")
    print("  L  samples/s  train/s (plain)")
    for L in [int(L) for L in sys.argv[1:]] or [8, 16, 32]:
        torch.manual_seed(1)
        velocity = Velocity(L)
        optimiser = torch.optim.Adam(velocity.parameters(), lr=1e-6)

        def forward():
            with torch.no_grad():
                sample(velocity, L)

        def train():
            optimiser.zero_grad()
            x, logq = sample(velocity, L)
            (logq + action(x)).mean().backward()
            optimiser.step()

        print(f"{L:3d} {rate(forward):10.0f} {rate(train):10.0f}", flush=True)


main()
