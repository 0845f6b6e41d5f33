"""On which side of its kink each element fell, taken from the engine's run.

A ReLU whose operand is zero but for rounding has a gradient that rounding decides, and so has a window
whose two largest elements differ by rounding. Two sound programs may take either side there, and one
such element can change a gradient by a thousandth. Nothing can be compared across that; so PyTorch is
made to take the side the engine took, and how far from the kink it had to go for that is a difference
like any other, under the same bound: an element on the other side whose operand is not within rounding
of zero in f64 is an error.
"""
import torch
import torch.nn.functional as F

# Taken before anything below replaces them.
MAX_POOL = F.max_pool2d


def in_engines_order(t):
    """[n, ch, rows, cols] as [n, rows, cols, ch], in f64."""
    t = t.detach().double()
    return t.permute(0, 2, 3, 1) if t.dim() == 4 else t


def in_own_order(a, like):
    """[n, rows, cols, ch] as `like` is, and in memory too: PyTorch's sums go along with that."""
    a = a.reshape(in_engines_order(like).shape)
    return torch.empty_like(like, dtype=a.dtype).copy_(a.permute(0, 3, 1, 2) if like.dim() == 4 else a)


class Sides:
    """While it is entered, F.relu and F.max_pool2d take the sides of `dumped`, results of the engine's
    ReLUs in one step by their names. A ReLU called here is the one of them whose result is closest."""

    def __init__(self, dumped):
        self.dumped = {name: torch.from_numpy(a).double() for name, a in dumped.items()}
        self.left = dict(self.dumped)
        self.order = []         # names, as the first run called them; later runs take the same ones
        self.lines = {}         # name: elements, those on another side, largest difference, largest element
        self.latest = None, None

    def __enter__(self):
        self.kept = F.relu, F.max_pool2d
        self.calls = 0
        F.relu, F.max_pool2d = self.relu, self.max_pool2d
        return self

    def __exit__(self, *_):
        F.relu, F.max_pool2d = self.kept

    def difference(self, x, y):
        """Largest difference of the engine's result y from that of operand x, and how many elements are on
        another side: of those the way from x over zero to y counts."""
        other = (x > 0) != (y > 0)
        off = (torch.relu(x) - y).abs().max()
        if other.any():
            off = torch.maximum(off, (x.abs() + y)[other].max())
        return float(off), int(other.sum())

    def found(self, x):
        """The name of the ReLU whose operand is x; None: there is none of its size left."""
        like = {name: y.reshape(x.shape) for name, y in self.left.items() if y.numel() == x.numel()}
        off = {name: self.difference(x, y) for name, y in like.items()}
        if not off:
            return None
        name = min(off, key=off.get)
        del self.left[name]
        self.lines[name] = (x.numel(), off[name][1], off[name][0], float(x.abs().max()))
        return name

    def relu(self, x):
        if self.calls == len(self.order):
            self.order.append(self.found(in_engines_order(x)))
        name = self.order[self.calls]
        self.calls += 1
        if name is None:
            raise SystemExit("error: the engine has no ReLU for one of %s" % list(x.shape))
        side = in_own_order(self.dumped[name], x)
        y = torch.where(side > 0, x, torch.zeros((), dtype=x.dtype))
        self.latest = y, name
        return y

    def max_pool2d(self, x, size, stride):
        operand, name = self.latest
        assert x is operand     # of what else the sides are not known
        side = in_own_order(self.dumped[name], x)
        _, place = MAX_POOL(side, size, stride, return_indices=True)
        y = x.flatten(2).gather(2, place.flatten(2)).reshape(place.shape)
        if name + " largest" not in self.lines:
            best = MAX_POOL(x.detach(), size, stride)
            off = best - y.detach()
            self.lines[name + " largest"] = (off.numel(), int((off > 0).sum()), float(off.max()),
                                             float(best.max()))
        return y
