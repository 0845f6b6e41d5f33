#!/usr/bin/env python3
"""Values and gradients of single ops by PyTorch in float64, for tests/test_golden_ops.c.

Usage: golden_ops.py > tests/golden_ops/ops.json

Each case names a row of tests/op_cases*.c and gives the operands (with a batch of 3 where the row has one),
a random dy, the result y, and the gradients of sum(dy * y), null for operands without one. PyTorch shares no
code with the library, and its gradients are not central differences: a third, independent opinion.
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(20)
N = 3  # the batch


def real(lo, hi, *shape):
    """Uniform numbers that are exact in float32."""
    return torch.round((torch.rand(shape, dtype=torch.float64) * (hi - lo) + lo) * 1024) / 1024


def signed(lo, hi, *shape):
    """lo <= |x| <= hi, either sign."""
    return real(lo, hi, *shape) * (torch.randint(0, 2, shape) * 2 - 1)


def grid(*shape):
    """Odd multiples of 1/16, no two equal: no ties, nothing on a kink."""
    n = int(torch.tensor(shape).prod())
    return ((torch.randperm(n) - n // 2).double() / 8 + 1 / 16).reshape(shape)


def index(n, *shape):
    return torch.randint(0, n, shape)


def mask(*shape):
    return torch.randint(0, 2, shape).bool()


def logsumexp(x, axes, keepdim=False):
    return torch.logsumexp(x, axes, keepdim)


def images(x):
    """[n, rows, cols, ch] to PyTorch's [n, ch, rows, cols]."""
    return x.permute(0, 3, 1, 2)


def back(x):
    return x.permute(0, 2, 3, 1)


def conv(x, w, stride=(1, 1), pad=(0, 0, 0, 0), gap=(1, 1)):
    """pad: top, bottom, left, right; gap: distance of taps."""
    x = F.pad(images(x), (pad[2], pad[3], pad[0], pad[1]))
    return back(F.conv2d(x, w.permute(3, 2, 0, 1), stride=stride, dilation=gap))


def pool_pad(x):
    return F.pad(images(x), (1, 1, 1, 0))


def maximum_pool(x):
    return back(F.max_pool2d(pool_pad(x), (2, 3), (1, 1)))


def place(x, like, start, stop, step):
    y = torch.zeros_like(like)
    y[:, start:stop:step] = x
    return y


def scatter(x, idx, like):
    return torch.zeros_like(like).index_add(0, idx, x)


STRIDED = dict(stride=(2, 1), pad=(1, 0, 1, 1))

CASES = {
    # name: (operands, function)
    "add": ([real(-2, 2, N, 3), real(-2, 2, N, 3)], lambda a, b: a + b),
    "add broadcast": ([real(-2, 2, N, 3), real(-2, 2, 3)], lambda a, b: a + b),
    "add rows columns": ([real(-2, 2, N, 1, 2), real(-2, 2, 3, 1)], lambda a, b: a + b),
    "sub": ([real(-2, 2, N, 3), real(-2, 2, N, 3)], lambda a, b: a - b),
    "sub broadcast": ([real(-2, 2, 3), real(-2, 2, N, 3)], lambda a, b: a - b),
    "mul": ([real(-2, 2, N, 3), real(-2, 2, N, 3)], lambda a, b: a * b),
    "mul broadcast": ([real(-2, 2, N, 3), real(-2, 2, 1, 3)], lambda a, b: a * b),
    "mul scalar": ([real(-2, 2, N, 3), real(-2, 2)], lambda a, b: a * b),
    "div": ([real(-2, 2, N, 3), signed(0.75, 2, N, 3)], lambda a, b: a / b),
    "div broadcast": ([real(-2, 2, N, 1), signed(0.75, 2, 3)], lambda a, b: a / b),
    "pow": ([real(0.5, 2, N, 3), real(-2, 2, N, 3)], torch.pow),
    "maximum": ([grid(N, 3), grid(N, 3) + 1 / 32], torch.maximum),
    "maximum broadcast": ([grid(N, 3), grid(N, 1) + 1 / 32], torch.maximum),
    "minimum": ([grid(N, 3), grid(N, 3) + 1 / 32], torch.minimum),
    "neg": ([real(-2, 2, N, 3)], torch.neg),
    "square": ([real(-2, 2, N, 3)], torch.square),
    "sqrt": ([real(0.5, 3, N, 3)], torch.sqrt),
    "rsqrt": ([real(0.5, 3, N, 3)], torch.rsqrt),
    "reciprocal": ([signed(0.75, 3, N, 3)], torch.reciprocal),
    "abs": ([signed(0.125, 3, N, 3)], torch.abs),
    "sign": ([signed(0.125, 3, N, 3)], torch.sign),
    "exp": ([real(-2, 2, N, 3)], torch.exp),
    "expm1": ([real(-2, 2, N, 3)], torch.expm1),
    "log": ([real(0.5, 3, N, 3)], torch.log),
    "log1p": ([real(-0.5, 2, N, 3)], torch.log1p),
    "sin": ([real(-3, 3, N, 3)], torch.sin),
    "cos": ([real(-3, 3, N, 3)], torch.cos),
    "tanh": ([real(-2, 2, N, 3)], torch.tanh),
    "sigmoid": ([real(-3, 3, N, 3)], torch.sigmoid),
    "erf": ([real(-2, 2, N, 3)], torch.erf),
    "normal_cdf": ([real(-3, 3, N, 3)], torch.special.ndtr),
    "normal_pdf": ([real(-3, 3, N, 3)], lambda x: torch.exp(-x * x / 2) / (2 * torch.pi) ** 0.5),
    "softplus": ([real(-3, 3, N, 3)], F.softplus),
    "relu": ([signed(0.125, 3, N, 3)], torch.relu),
    "clip": ([grid(N, 3)], lambda x: torch.clamp(x, -0.5, 0.75)),
    "floor": ([grid(N, 3)], torch.floor),
    "round": ([grid(N, 3)], torch.round),
    "where": ([mask(N, 3), real(-2, 2, N, 3), real(-2, 2, N, 3)], torch.where),
    "where broadcast": ([mask(3), real(-2, 2, N, 1), real(-2, 2)], torch.where),
    "sum": ([real(-2, 2, N, 2, 3)], lambda x: x.sum(1)),
    "sum keepdims": ([real(-2, 2, N, 2, 3)], lambda x: x.sum((0, 2), keepdim=True)),
    "sum all": ([real(-2, 2, N, 2, 3)], torch.sum),
    "mean": ([real(-2, 2, N, 2, 3)], lambda x: x.mean((0, 2))),
    "prod": ([signed(0.5, 2, N, 3)], lambda x: x.prod(1)),
    "prod all": ([signed(0.5, 1.5, N, 2)], lambda x: x.prod().reshape(1, 1)),
    "max": ([grid(N, 3)], lambda x: x.amax(1)),
    "max all": ([grid(N, 2, 3)], lambda x: x.amax((0, 1, 2), keepdim=True)),
    "max two axes": ([grid(N, 2, 3)], lambda x: x.amax((0, 2))),
    "min": ([grid(N, 2, 3)], lambda x: x.amin(2, keepdim=True)),
    "var": ([real(-2, 2, N, 4)], lambda x: x.var(1, unbiased=False)),
    "var sample": ([real(-2, 2, N, 2, 3)], lambda x: x.var((0, 1), unbiased=True)),
    "logsumexp": ([real(-2, 2, N, 3)], lambda x: logsumexp(x, 1)),
    "logsumexp all": ([real(-2, 2, N, 3)], lambda x: logsumexp(x, (0, 1), True)),
    "norm": ([signed(0.5, 2, N, 3)], lambda x: torch.linalg.vector_norm(x, dim=1)),
    "norm all": ([signed(0.5, 2, N, 3)], lambda x: torch.linalg.vector_norm(x, dim=(0, 1), keepdim=True)),
    "argmax": ([grid(N, 3)], lambda x: x.argmax(1)),
    "argmin": ([grid(N, 3)], lambda x: x.argmin(0, keepdim=True)),
    "cumsum": ([real(-2, 2, N, 4)], lambda x: x.cumsum(1)),
    "cumsum reverse": ([real(-2, 2, N, 3)], lambda x: x.flip(0).cumsum(0).flip(0)),
    "matmul": ([real(-2, 2, N, 3), real(-2, 2, 3, 3)], torch.matmul),
    "matmul ta": ([real(-2, 2, 3, N), real(-2, 2, 3, 2)], lambda a, b: a.T @ b),
    "matmul tb": ([real(-2, 2, N, 3), real(-2, 2, 2, 3)], lambda a, b: a @ b.T),
    "matmul tt": ([real(-2, 2, 3, 2), real(-2, 2, N, 3)], lambda a, b: a.T @ b.T),
    "matmul batch": ([real(-2, 2, N, 2, 3), real(-2, 2, N, 3, 2)], torch.matmul),
    "matmul batch left": ([real(-2, 2, N, 2, 3), real(-2, 2, 3, 2)], torch.matmul),
    "matmul batch right": ([real(-2, 2, 1, 2, 3), real(-2, 2, N, 2, 3)], lambda a, b: a @ b.transpose(1, 2)),
    "softmax": ([real(-2, 2, N, 3)], lambda x: x.softmax(1)),
    "softmax first": ([real(-2, 2, N, 2)], lambda x: x.softmax(0)),
    "log_softmax": ([real(-2, 2, N, 3)], lambda x: x.log_softmax(1)),
    "log_softmax first": ([real(-2, 2, N, 2)], lambda x: x.log_softmax(0)),
    "reshape": ([real(-2, 2, N, 2, 3)], lambda x: x.reshape(N, 6)),
    "squeeze": ([real(-2, 2, N, 1, 3, 1)], torch.squeeze),
    "permute": ([real(-2, 2, N, 2, 3)], lambda x: x.permute(2, 0, 1)),
    "permute all": ([real(-2, 2, N, 2, 3)], lambda x: x.permute(2, 1, 0)),
    "flip": ([real(-2, 2, N, 2, 3)], lambda x: x.flip((0, 2))),
    "expand": ([real(-2, 2, N, 1)], lambda x: x.expand(2, N, 3)),
    "slice": ([real(-2, 2, N, 5)], lambda x: x[:, 1:-1:2]),
    "slice axis": ([real(-2, 2, N, 5)], lambda x: x[:, -3:]),
    "pad_like": ([real(-2, 2, N, 2), real(-2, 2, N, 5)], lambda x, y: place(x, y, 1, -1, 2)),
    "select": ([real(-2, 2, N, 3, 2)], lambda x: x[:, -2]),
    "pad": ([real(-2, 2, N, 3)], lambda x: F.pad(x, (0, 2, 1, 0), value=1.5)),
    "concat": ([real(-2, 2, N, 3), real(-2, 2, N, 2)], lambda a, b: torch.cat([a, b, a], 1)),
    "concat stack": ([real(-2, 2, N, 3), real(-2, 2, N, 3)], lambda a, b: torch.stack([a, b], 1)),
    "gather": ([real(-2, 2, 3, 3), index(3, N)], lambda x, i: x[i]),
    "gather repeated": ([real(-2, 2, 3, 3), torch.ones(3).long()], lambda x, i: x[i]),
    "gather inner": ([real(-2, 2, N, 3, 2), index(3, 2, 2)], lambda x, i: x[:, i]),
    "scatter_add_like": ([real(-2, 2, N, 3), index(4, N), real(-2, 2, 4, 3)], scatter),
    "scatter_add": ([real(-2, 2, 4, 3), index(4, N), real(-2, 2, N, 3)],
                              lambda b, i, x: b.index_add(0, i, x)),
    "take_along_axis": ([real(-2, 2, N, 3), index(3, N, 4)], lambda x, i: x.gather(1, i)),
    "take_along_axis first": ([real(-2, 2, 3, 2), index(3, N, 2)], lambda x, i: x.gather(0, i)),
    "scatter_along_like": ([real(-2, 2, N, 4), index(3, N, 4), real(-2, 2, N, 3)],
                           lambda x, i, y: torch.zeros_like(y).scatter_add(1, i, x)),
    "conv2d": ([real(-1, 1, N, 3, 3, 2), real(-1, 1, 2, 2, 2, 2)], conv),
    "conv2d strided": ([real(-1, 1, N, 4, 3, 1), real(-1, 1, 2, 2, 1, 2)],
                       lambda x, w: conv(x, w, **STRIDED)),
    # dilation 1, 0 with padding "same": an effective kernel of 3 x 2
    "conv2d dilated": ([real(-1, 1, N, 4, 3, 1), real(-1, 1, 2, 2, 1, 2)],
                       lambda x, w: conv(x, w, pad=(1, 1, 0, 1), gap=(2, 1))),
    "conv2d causal": ([real(-1, 1, N, 3, 3, 1), real(-1, 1, 2, 2, 1, 1)],
                      lambda x, w: conv(x, w, pad=(2, 0, 2, 0), gap=(2, 2))),
    "avg_pool2d": ([real(-1, 1, N, 4, 4, 1)], lambda x: back(F.avg_pool2d(images(x), 2))),
    "avg_pool2d overlap": ([real(-1, 1, N, 3, 3, 2)],
                           lambda x: back(F.avg_pool2d(pool_pad(x), (2, 3), (1, 1)))),
    "max_pool2d": ([grid(N, 4, 4, 1)], lambda x: back(F.max_pool2d(images(x), 2))),
    "max_pool2d overlap": ([grid(N, 3, 3, 2)], maximum_pool),
    "mul_no_nan": ([real(-2, 2, N, 3), signed(0.25, 2, N, 3)], lambda a, b: a * b),
}


def array(t):
    if t.dtype == torch.float64:
        return {"shape": list(t.shape), "data": [v for v in t.detach().reshape(-1).tolist()]}
    return {"shape": list(t.shape), "data": [int(v) for v in t.reshape(-1).tolist()]}


def case(name, operands, function):
    xs = [x.clone().requires_grad_() if x.dtype == torch.float64 else x for x in operands]
    y = function(*xs)
    entry = {"row": name, "in": [array(x) for x in operands], "y": array(y)}
    if y.dtype == torch.float64:
        dy = real(-1, 1, *y.shape)
        wrt = [x for x in xs if x.requires_grad]
        if y.requires_grad:
            grads = torch.autograd.grad(y, wrt, dy, allow_unused=True)
        else:
            grads = [None] * len(wrt)
        by_operand = iter(torch.zeros_like(x) if g is None else g for x, g in zip(wrt, grads))
        entry["dy"] = array(dy)
        entry["grad"] = [array(next(by_operand)) if x.requires_grad else None for x in xs]
    return entry


def main():
    cases = [case(name, *what) for name, what in CASES.items()]
    json.dump({"subject": "values and gradients of single ops", "source": "PyTorch " + torch.__version__,
               "cases": cases}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
