"""A LoRA training step in plain PyTorch, to time `cargo bench --bench step` against.

The model has SmolLM2-135M's shape (random weights: time does not depend on them): 30 blocks of RMSNorm,
rotary positions, grouped-query attention and SwiGLU in float32; rank 8 on all seven projections; one
sequence, every token learnt; AdamW and gradient clipping. Needs PyTorch; Debian's is only fast with
OpenBLAS beside it (`libopenblas0-pthread`).

usage: bench_training_step.py [--tokens 512] [--steps 3] [--threads 2] [--checkpoint]
prints one JSON object: median seconds of a step, tokens a second, peak memory in MiB.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

VOCAB, WIDTH, INNER, BLOCKS, HEADS, KV_HEADS = 49152, 576, 1536, 30, 9, 3
HEAD = WIDTH // HEADS
RANK, SCALE, DROPOUT = 8, 2.0, 0.05


class Adapted(nn.Module):
    """A frozen linear layer with a low-rank adapter on top."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5, requires_grad=False)
        self.a = nn.Parameter(torch.randn(RANK, inputs) * inputs**-0.5)
        self.b = nn.Parameter(torch.zeros(outputs, RANK))

    def forward(self, x):
        low = F.linear(F.dropout(x, DROPOUT, self.training), self.a)
        return F.linear(x, self.weight) + SCALE * F.linear(low, self.b)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH), requires_grad=False)

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


def rotate(x, cosines, sines):
    left, right = x.chunk(2, dim=-1)
    return x * cosines + torch.cat((-right, left), dim=-1) * sines


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.before_attention, self.before_mlp = Norm(), Norm()
        self.q, self.o = Adapted(WIDTH, WIDTH), Adapted(WIDTH, WIDTH)
        self.k, self.v = Adapted(WIDTH, KV_HEADS * HEAD), Adapted(WIDTH, KV_HEADS * HEAD)
        self.gate, self.up = Adapted(WIDTH, INNER), Adapted(WIDTH, INNER)
        self.down = Adapted(INNER, WIDTH)

    def forward(self, x, cosines, sines, mask):
        tokens = x.shape[1]
        h = self.before_attention(x)
        q = self.q(h).view(1, tokens, HEADS, HEAD).transpose(1, 2)
        k = self.k(h).view(1, tokens, KV_HEADS, HEAD).transpose(1, 2)
        v = self.v(h).view(1, tokens, KV_HEADS, HEAD).transpose(1, 2)
        q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
        k = k.repeat_interleave(HEADS // KV_HEADS, dim=1)
        v = v.repeat_interleave(HEADS // KV_HEADS, dim=1)
        if hasattr(F, "scaled_dot_product_attention"):
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mixed = torch.softmax(q @ k.transpose(2, 3) * HEAD**-0.5 + mask, dim=-1) @ v
        x = x + self.o(mixed.transpose(1, 2).reshape(1, tokens, WIDTH))
        h = self.before_mlp(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(VOCAB, WIDTH) * 0.02, requires_grad=False)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = Norm()

    def forward(self, ids, recompute):
        tokens = ids.shape[1]
        x = F.embedding(ids, self.embedding)
        frequencies = 100_000.0 ** (-torch.arange(0, HEAD, 2) / HEAD)
        angles = torch.outer(torch.arange(tokens).float(), frequencies)
        angles = torch.cat((angles, angles), dim=-1)
        cosines, sines = angles.cos(), angles.sin()
        mask = torch.full((tokens, tokens), float("-inf")).triu(1)
        for block in self.blocks:
            if recompute:
                # Without an input that needs a gradient the old checkpoint passes none on.
                x = checkpoint(block, x.requires_grad_(), cosines, sines, mask)
            else:
                x = block(x, cosines, sines, mask)
        return F.linear(self.norm(x), self.embedding)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = Model().train()
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    ids = torch.randint(VOCAB, (1, options.tokens + 1))
    seconds = []
    for step in range(options.steps + 1):
        started = time.perf_counter()
        logits = model(ids[:, :-1], options.checkpoint)
        loss = F.cross_entropy(logits[0], ids[0, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step > 0:  # the first warms up
            seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    print(json.dumps({
        "torch": torch.__version__,
        "seconds": round(median, 3),
        "tokens_per_second": round(options.tokens / median, 1),
        "trained": sum(one.numel() for one in trained),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }))


if __name__ == "__main__":
    main()
