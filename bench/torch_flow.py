"""The flow of bench_flow written the usual way in PyTorch: same layers, masks, batch, loss and optimiser.
Usage: torch_flow.py [L]...; default 8 16 32."""
import sys
import time

import torch

BATCH = 1024


class Coupling(torch.nn.Module):
    def __init__(self, L, parity, tanh):
        super().__init__()
        i = torch.arange(L)
        self.mask = ((i[:, None] + i[None, :]) % 2 != parity).float()  # 1: frozen
        act = torch.nn.Tanh if tanh else torch.nn.LeakyReLU
        conv = lambda a, b: torch.nn.Conv2d(a, b, 3, padding=1, padding_mode="circular")
        self.net = torch.nn.Sequential(conv(1, 8), act(), conv(8, 8), act(), conv(8, 2))

    def forward(self, x, logj):
        frozen = self.mask * x
        h = self.net(frozen[:, None])
        active = 1 - self.mask
        s = active * 3 * h[:, 1] / torch.sqrt(9 + h[:, 1] ** 2)
        return frozen + active * (x * torch.exp(s) + h[:, 0]), logj + s.sum((1, 2))


def sample(layers, L):
    z = torch.randn(BATCH, L, L)
    x, logj = z, torch.zeros(BATCH)
    for layer in layers:
        x, logj = layer(x, logj)
    return x, -0.5 * (z * z).sum((1, 2)) - logj


def action(x, m2=-4.0, lam=8.0):
    nn = sum(x * torch.roll(x, -1, d) for d in (1, 2))
    return ((4 + m2) * x**2 - 2 * nn + lam * x**4).sum((1, 2))


def best(f, turns):
    f()
    times = []
    for _ in range(2 if turns == 1 else 4):
        t = time.perf_counter()
        for _ in range(turns):
            f()
        times.append((time.perf_counter() - t) / turns)
    return min(times)


def rates(L, threads, tanh):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    layers = torch.nn.ModuleList(Coupling(L, i % 2, tanh) for i in range(16))
    optimiser = torch.optim.Adam(layers.parameters(), lr=1e-5)

    def forward():
        with torch.no_grad():
            sample(layers, L)

    def train():
        optimiser.zero_grad()
        x, logq = sample(layers, L)
        (logq + action(x)).mean().backward()
        optimiser.step()

    turns = 3 if L <= 8 else 1
    print(f"{L:3d} {threads:8d}  {'tanh' if tanh else 'leaky':6s} {BATCH / best(forward, turns):12.0f} {BATCH / best(train, turns):13.0f}", flush=True)


def main():
    print(f"torch {torch.__version__}, the same flow, batch {BATCH}")
    print("  L  threads  net       samples/s       train/s")
    sizes = [int(L) for L in sys.argv[1:]] or [8, 16, 32]
    for L in sizes:
        for threads in (1, 2):
            for tanh in (False, True):
                rates(L, threads, tanh)


main()
