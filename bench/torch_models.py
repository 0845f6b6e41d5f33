"""The workloads of bench/jobs.c in PyTorch: the same formulas over the same numbers.

A workload is a class made from the arrays that bench/workloads wrote: its inputs, its weights and its
draws. Weights keep PyTorch's layouts; `weights` says for each of the engine's arrays which view of which
parameter it is, so that loading writes through that view and comparing reads through it.

A variant is a set of words, each a setting that may be faster or slower:
    script         the model and its loss compiled by torch.jit.script
    foreach        the optimiser's update over all weights at once
    channels_last  images as [n, rows, cols, ch] in memory
    sparse         gradients of embeddings as the rows that have one
    joined         a critic's two batches in one
    linear         convolutions over a sequence as products
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


def transposed(a):
    return a.T


def as_it_is(a):
    return a


def kernel(a):
    """[out, in, rows, cols] as the engine's [rows, cols, in, out]; likewise of one dimension."""
    return a.transpose(*range(2, a.ndim), 1, 0)


def dense(name, layer):
    return [(name + ".W", None, layer.weight, transposed), (name + ".b", None, layer.bias, as_it_is)]


def convolution(name, layer):
    return [(name + ".W", None, layer.weight, kernel), (name + ".b", None, layer.bias, as_it_is)]


class Workload:
    """What all have: `self.x` are the arrays fed, `self.p` the initial weights, by the engine's names."""

    optimiser = "SGD"
    momentum = 0.0
    factor = 1.0        # of what the gradients begin with: other roundings, the same sums
    variants = ("", "foreach", "script foreach")

    def __init__(self, fed, initial, rate, words):
        self.words = words
        self.x = {k: torch.from_numpy(v) for k, v in fed.items()}
        self.p = initial
        self.real = next(v.dtype for v in self.x.values() if v.is_floating_point())
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.real)
        self.args, model, self.weights = self.build()
        torch.set_default_dtype(before)
        self.write(initial, lambda parameter: parameter.data)
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.model = torch.jit.script(model) if "script" in words else model
        self.optim = self.make_optimiser(rate)

    def make_optimiser(self, rate):
        each = {"foreach": "foreach" in self.words}
        if self.optimiser == "Adam":
            return torch.optim.Adam(self.trained, lr=rate, eps=1e-7, **each)
        if self.optimiser == "RMSProp":
            return torch.optim.RMSprop(self.trained, lr=rate, alpha=0.9, eps=1e-7, **each)
        return torch.optim.SGD(self.trained, lr=rate, momentum=self.momentum, **each)

    def loss(self):
        return self.model(*self.args)

    def backward(self):
        self.optim.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward(None if self.factor == 1 else torch.full_like(loss, self.factor))
        return loss

    def step(self):
        loss = self.backward()
        self.optim.step()
        return loss

    def forget(self):
        """Drops the arrays it was made from; nothing can be compared any more."""
        self.x = self.p = None

    # ---- in the engine's names ----

    def read(self, of):
        """The arrays of the engine that `of`(parameter) is made of."""
        parts = {}
        for name, rows, parameter, view in self.weights:
            t = of(parameter)
            if t is None:
                continue
            a = view(t.detach().to_dense().numpy() if t.is_sparse else t.detach().numpy())
            like = self.p[name]
            if rows is None:
                parts[name] = a.reshape(like.shape)
            else:
                parts.setdefault(name, like.copy())[rows] = a
        return parts

    def write(self, arrays, to):
        """The inverse: fills `to`(parameter) from the engine's arrays."""
        for name, rows, parameter, view in self.weights:
            if name in arrays:
                a, given = view(to(parameter).numpy()), arrays[name].reshape(self.p[name].shape)
                a[...] = (given if rows is None else given[rows]).reshape(a.shape)

    def give(self, gradients):
        """In place of its own."""
        for p in self.trained:
            p.grad = torch.zeros_like(p.data)
        self.write(gradients, lambda parameter: parameter.grad)

    def round_weights(self, kind):
        """To what can be stored in the type `kind`."""
        if kind == "f32":
            for p in self.trained:
                p.data.copy_(p.data.float())

    def outputs(self):
        """Loss and gradients, by the names the engine's files have."""
        found = {"loss": self.backward().detach().numpy()}
        found.update(("g." + k, v) for k, v in self.read(lambda p: p.grad).items())
        return found

    def store(self):
        return {k: v.copy() for k, v in self.read(lambda p: p.data).items()}


WORKLOADS = {}


def workload(c):
    WORKLOADS[c.__name__] = c
    return c


# ---- dense networks ----

class TinyMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 16), nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x, y):
        d = self.c(torch.tanh(self.b(torch.tanh(self.a(x))))) - y
        return (d * d).sum()


@workload
class tiny_mlp(Workload):
    def build(self):
        m = TinyMLP()
        return (self.x["x"], self.x["y"]), m, dense("a", m.a) + dense("b", m.b) + dense("c", m.c)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)

    def forward(self, x, y):
        return F.cross_entropy(self.c(F.relu(self.b(F.relu(self.a(x))))), y)


@workload
class mlp(Workload):
    optimiser = "Adam"

    def build(self):
        m = MLP()
        return (self.x["x"], self.x["y"]), m, dense("a", m.a) + dense("b", m.b) + dense("c", m.c)


# ---- vae ----

class VAE(nn.Module):
    def __init__(self, eps: float, rows_last: bool):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.f1, self.f2 = nn.Linear(3136, 256), nn.Linear(256, 10)
        self.d1, self.d2 = nn.Linear(5, 256), nn.Linear(256, 784)
        self.eps, self.rows_last = eps, rows_last

    def forward(self, x, noise):
        h = F.max_pool2d(F.relu(self.c1(x)), 2, 2)
        h = F.max_pool2d(F.relu(self.c2(h)), 2, 1)
        if self.rows_last:
            h = h.permute(0, 2, 3, 1)
        code = self.f2(F.relu(self.f1(h.flatten(1))))
        mean, log_var = code[:, :5], code[:, 5:]
        t = mean + noise * torch.exp(0.5 * log_var)
        p = torch.sigmoid(self.d2(F.relu(self.d1(t)))).clamp(self.eps, 1 - self.eps)
        bce = F.binary_cross_entropy(p, x.flatten(1), reduction="sum")
        kl = -0.5 * (1 + log_var - mean * mean - torch.exp(log_var)).sum()
        return (bce + kl) / x.shape[0]


@workload
class vae(Workload):
    optimiser = "RMSProp"
    variants = ("foreach", "channels_last", "channels_last foreach", "script channels_last foreach")

    def build(self):
        last = "channels_last" in self.words
        m = VAE(self.clip, last)
        x = self.x["x"].reshape(64, 1, 28, 28)      # one channel: the same numbers either way
        if last:
            m = m.to(memory_format=torch.channels_last)
            x = x.to(memory_format=torch.channels_last)

        def images(a):
            """fc4's rows in the engine's order: rows, columns, channels"""
            return a.T if last else a.reshape(256, 64, 7, 7).transpose(2, 3, 1, 0)

        w = convolution("vae.encoder.Conv1", m.c1) + convolution("vae.encoder.Conv2", m.c2)
        w += [("vae.encoder.FC4.W", None, m.f1.weight, images),
              ("vae.encoder.FC4.b", None, m.f1.bias, as_it_is)]
        w += dense("vae.encoder.FC5", m.f2)
        w += dense("vae.decoder.FC1", m.d1) + dense("vae.decoder.FC2", m.d2)
        return (x, self.x["vae.noise"]), m, w

    clip = 2.0 ** -23       # the engine's epsilon of f32; bench/torch_twin.py sets that of f64


# ---- wgan ----

class Network(nn.Module):
    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.a, self.b = nn.Linear(n_in, 512), nn.Linear(512, 512)
        self.c, self.d = nn.Linear(512, 512), nn.Linear(512, n_out)

    def forward(self, x):
        return self.d(F.relu(self.c(F.relu(self.b(F.relu(self.a(x)))))))


@workload
class wgan_gp_critic(Workload):
    optimiser = "RMSProp"
    variants = ("foreach", "joined foreach", "script foreach", "script joined foreach")

    def build(self):
        n = self.x["x"].shape[1]
        g, m = Network(n, n), Network(n, 1)
        self.x_real, self.noise = self.x["x"], self.x["gan.noise"]
        self.alpha = self.x["gan.alpha"]
        self.generator = torch.jit.script(g) if "script" in self.words else g
        w = []
        for part, net in ("generator", g), ("critic", m):
            for i, layer in enumerate((net.a, net.b, net.c, net.d)):
                w += dense("gan.%s.FC%d" % (part, i + 1), layer)
        for p in g.parameters():
            p.requires_grad_(False)
        return (), m, w

    def loss(self):
        critic, real, alpha = self.model, self.x_real, self.alpha
        with torch.no_grad():
            fake = self.generator(self.noise)
        between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
        if "joined" in self.words:
            y = critic(torch.cat((fake, real)))
            distance = y[:len(fake)].mean() - y[len(fake):].mean()
        else:
            distance = critic(fake).mean() - critic(real).mean()
        return distance + 10.0 * penalty


@workload
class wgan_gp_critic_784(wgan_gp_critic):
    pass


# ---- word2vec ----

class Word2Vec(nn.Module):
    def __init__(self, sparse: bool):
        super().__init__()
        self.E = nn.EmbeddingBag(20000, 300, mode="mean", sparse=sparse)
        self.W = nn.Embedding(20000, 300, sparse=sparse)
        self.b = nn.Embedding(20000, 1, sparse=sparse)

    def forward(self, ids, target, neg):
        h = self.E(ids)
        pos = (h * self.W(target)).sum(1) + self.b(target).squeeze(1)
        noise = h @ self.W(neg).t() + self.b(neg).squeeze(1)
        return F.softplus(-pos).sum() + F.softplus(noise).sum()


@workload
class w2v_nce(Workload):
    variants = ("foreach", "sparse", "script sparse")

    def build(self):
        assert bool((self.x["weights"] == 1).all())     # so that the weighted mean is the mean
        m = Word2Vec("sparse" in self.words)
        w = [("w2v.embeddings.W", None, m.E.weight, as_it_is), ("w2v.loss.W", None, m.W.weight, as_it_is),
             ("w2v.loss.b", None, m.b.weight, transposed)]
        return (self.x["ids"], self.x["target"], self.x["neg"]), m, w


# ---- sequences ----

class BiLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.LSTM(64, 128, bidirectional=True)

    def forward(self, x, y):
        return F.mse_loss(self.l(x)[0], y)


@workload
class bilstm(Workload):
    optimiser = "Adam"

    def build(self):
        m = BiLSTM()
        w = []
        for cell, end in ("l.cell_fwd.", ""), ("l.cell_bwd.", "_reverse"):
            hidden, given, bias, second = (getattr(m.l, k + "_l0" + end)
                                           for k in ("weight_hh", "weight_ih", "bias_ih", "bias_hh"))
            with torch.no_grad():
                second.zero_()          # PyTorch has two biases where one is enough
            second.requires_grad_(False)
            for k, gate in enumerate("ufco"):
                def part(a, k=k):
                    return a[128 * k:128 * k + 128].T
                w += [(cell + "W" + gate, slice(0, 128), hidden, part),
                      (cell + "W" + gate, slice(128, None), given, part),
                      (cell + "b" + gate, None, bias, part)]
        # PyTorch's fast order is [n_t, n, features]
        x, y = (self.x[k].permute(2, 0, 1).contiguous() for k in "xy")
        return (x, y), m, w


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = [nn.Linear(256, 256) for _ in range(4)]

    def forward(self, x, y):
        n, t = x.shape[0], x.shape[1]
        q = self.q(x).view(n, t, 8, 32).transpose(1, 2)
        k = self.k(x).view(n, t, 8, 32).transpose(1, 2)
        v = self.v(x).view(n, t, 8, 32).transpose(1, 2)
        a = torch.softmax(q @ k.transpose(2, 3) * (32 ** -0.5), -1)
        return F.mse_loss(self.o((a @ v).transpose(1, 2).reshape(n, t, 256)), y)


@workload
class mha(Workload):
    optimiser = "Adam"

    def build(self):
        m = Attention()
        w = dense("l.Q", m.q) + dense("l.K", m.k) + dense("l.V", m.v) + dense("l.O", m.o)
        return (self.x["x"], self.x["y"]), m, w


class WaveNet(nn.Module):
    """[n, ch, length], or [n, ch, 1, length] when images is true"""

    def __init__(self, images: bool):
        super().__init__()
        self.d = nn.Conv2d(64, 64, (1, 2), dilation=(1, 8)) if images else nn.Conv1d(64, 64, 2, dilation=8)
        self.p = nn.Conv2d(64, 64, (1, 1)) if images else nn.Conv1d(64, 64, 1)

    def forward(self, x, skip, y1, y2):
        c = self.d(F.pad(x, (8, 0)))
        r = self.p(torch.tanh(c) * torch.sigmoid(c))
        return F.mse_loss(r + x, y1) + F.mse_loss(r + skip, y2)


class WaveNetLinear(nn.Module):
    """[n, length, ch]: the convolution as one product over pairs of steps"""

    def __init__(self):
        super().__init__()
        self.d, self.p = nn.Linear(128, 64), nn.Linear(64, 64)

    def forward(self, x, skip, y1, y2):
        old = F.pad(x, (0, 0, 8, 0))[:, :x.shape[1]]
        c = self.d(torch.cat((old, x), 2))
        r = self.p(torch.tanh(c) * torch.sigmoid(c))
        return F.mse_loss(r + x, y1) + F.mse_loss(r + skip, y2)


@workload
class wavenet_block(Workload):
    variants = ("foreach", "channels_last foreach", "linear foreach", "script foreach",
                "script linear foreach")

    def build(self):
        args = [self.x[k] for k in ("x", "skip", "y1", "y2")]       # [n, length, ch]
        if "linear" in self.words:
            m = WaveNetLinear()
            w = [("l.conv_dilation.W", None, m.d.weight, lambda a: a.reshape(64, 2, 64).transpose(1, 2, 0)),
                 ("l.conv_dilation.b", None, m.d.bias, as_it_is),
                 ("l.conv_1x1.W", None, m.p.weight, transposed),
                 ("l.conv_1x1.b", None, m.p.bias, as_it_is)]
            return args, m, w
        images = "channels_last" in self.words
        m = WaveNet(images)
        args = [a.transpose(1, 2).contiguous() for a in args]
        if images:
            m = m.to(memory_format=torch.channels_last)
            args = [a.unsqueeze(2).to(memory_format=torch.channels_last) for a in args]
        return args, m, convolution("l.conv_dilation", m.d) + convolution("l.conv_1x1", m.p)


# ---- resnet ----

class Residual(nn.Module):
    """numpy-ml's: the first activation stands before the first batch norm"""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        self.b1, self.b2 = nn.BatchNorm2d(64), nn.BatchNorm2d(64)

    def forward(self, x, y):
        h = self.b2(self.c2(self.b1(F.relu(self.c1(x)))))
        return F.mse_loss(F.relu(h + x), y)


@workload
class resnet_block(Workload):
    momentum = 0.9
    variants = ("foreach", "channels_last foreach", "script foreach", "script channels_last foreach")

    def build(self):
        m = Residual().train()
        x, y = (self.x[k].permute(0, 3, 1, 2).contiguous() for k in "xy")
        if "channels_last" in self.words:
            m = m.to(memory_format=torch.channels_last)
            x, y = (t.to(memory_format=torch.channels_last) for t in (x, y))
        w = []
        for i, (conv, norm) in enumerate(((m.c1, m.b1), (m.c2, m.b2))):
            w += convolution("l.conv%d" % (i + 1), conv)
            w += [("l.batchnorm%d.scaler" % (i + 1), None, norm.weight, as_it_is),
                  ("l.batchnorm%d.intercept" % (i + 1), None, norm.bias, as_it_is)]
        self.norms = m.b1, m.b2
        return (x, y), m, w

    def store(self):
        """With the running statistics; PyTorch's variance has divisor m - 1, the engine's m."""
        found, m = super().store(), 32 * 32 * 32
        for i, norm in enumerate(self.norms):
            kept = 0.9 ** int(norm.num_batches_tracked)
            name = "l.batchnorm%d.running_" % (i + 1)
            found[name + "mean"] = norm.running_mean.numpy().copy()
            found[name + "var"] = ((norm.running_var - kept) * ((m - 1) / m) + kept).numpy().copy()
        return found


# ---- forward and backward alone ----

class Chain(Workload):
    """A function of inputs that all get gradients; no weights, no update."""

    variants = ("", "script")

    def __init__(self, fed, initial, rate, words):
        self.x = {k: torch.from_numpy(v) for k, v in fed.items()}
        self.dy = self.x["dy"]
        self.wrt = [v.requires_grad_(True) for k, v in self.x.items() if k != "dy"]
        f = type(self).function
        self.f = torch.jit.script(f) if "script" in words else f

    def step(self):
        for t in self.wrt:
            t.grad = None
        y = self.f(**{k: v for k, v in self.x.items() if k != "dy"})
        y.backward(self.dy if self.factor == 1 else self.factor * self.dy)
        return y

    def outputs(self):
        found = {"y": self.step().detach().numpy()}
        for i, name in enumerate(self.order):
            found["d%d" % i] = self.x[name].grad.numpy()
        return found

    def store(self):
        return {}

    def forget(self):
        pass        # its inputs are what it was made from


def chain_of(a, b, c, d, e):
    return torch.tanh(a * b + c) * torch.sigmoid(d) - torch.exp(-(e * e))


def softmax_of(x):
    return torch.softmax(x, -1)


def layernorm_of(x, r, g, b):
    return F.gelu(F.layer_norm(x + r, (1024,), g, b))


@workload
class elementwise_chain(Chain):
    function, order = staticmethod(chain_of), "abcde"


@workload
class softmax(Chain):
    function, order = staticmethod(softmax_of), "x"


@workload
class layernorm_chain(Chain):
    function, order = staticmethod(layernorm_of), "xrgb"
