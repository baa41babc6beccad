"""Networks of bench_autoregressive written the usual way in PyTorch, sampled the usual way: the whole network again for every site.
One pass of a batch is timed; a sample takes as many as there are sites. Usage: torch_autoregressive.py [NAME]...; default all."""
import sys
import time

try:
    import torch
except ImportError:
    print("torch_autoregressive.py: skipped, this Python has no torch")
    sys.exit()

L, BATCH, TURNS = 16, 64, 12


class MaskedConv(torch.nn.Conv2d):
    def __init__(self, ci, co, size, first):
        super().__init__(ci, co, size, padding=size // 2)
        mask = torch.zeros(size, size)
        mask.view(-1)[: size * size // 2 + (not first)] = 1  # earlier sites, and above the first layer the site itself
        self.register_buffer("mask", mask)

    def forward(self, x):
        return torch.nn.functional.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class MaskedLinear(torch.nn.Linear):
    def __init__(self, ci, co, first):
        super().__init__(ci * L * L, co * L * L)
        mask = torch.tril(torch.ones(L * L, L * L), -1 if first else 0)
        self.register_buffer("mask", torch.kron(mask, torch.ones(co, ci)))

    def forward(self, x):
        return torch.nn.functional.linear(x, self.weight * self.mask, self.bias)


def pixelcnn(size):
    return torch.nn.Sequential(
        MaskedConv(1, 64, size, True),
        torch.nn.LeakyReLU(),
        MaskedConv(64, 64, size, False),
        torch.nn.LeakyReLU(),
        MaskedConv(64, 1, size, False),
        torch.nn.Sigmoid(),
    )


def made():
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        MaskedLinear(1, 2, True),
        torch.nn.LeakyReLU(),
        MaskedLinear(2, 1, False),
        torch.nn.Sigmoid(),
        torch.nn.Unflatten(1, (1, L, L)),
    )


NETS = {"pixelcnn13": lambda: pixelcnn(13), "pixelcnn3": lambda: pixelcnn(3), "made": made}


def draw_site(net, spins, i):
    p = net(spins)[:, :, i // L, i % L]
    spins[:, :, i // L, i % L] = 2 * torch.bernoulli(p) - 1


def rate(net, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    spins, best = torch.zeros(BATCH, 1, L, L), float("inf")
    with torch.no_grad():
        for i in range(TURNS):
            begin = time.perf_counter()
            draw_site(net, spins, i)
            best = min(best, time.perf_counter() - begin)
    return BATCH / (L * L * best)


def main():
    print(f"torch {torch.__version__}, the same networks, batch {BATCH}, scaled from the best of {TURNS} of {L * L} passes")
    print("  network     threads   samples/s")
    for name in sys.argv[1:] or NETS:
        for threads in (1, 2):
            print(f"  {name:11s} {threads:7d} {rate(NETS[name](), threads):11.2f}", flush=True)


main()
