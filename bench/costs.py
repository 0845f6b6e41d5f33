"""What a step of each workload costs at least: the limits of the benchmark.

products   multiplications and additions of the products and convolutions, 2 for each pair, computed
           directly; 3x3 convolutions of stride 1 with the fewer multiplications of Winograd's F(2x2,
           3x3). Left out is what no training step needs: gradients of inputs that are data, taps that
           fall on padding, the state before the first step of a recurrent network, which is zero.
bytes      of f32 that go between memory and processor at least once a step: inputs and gradients that
           arrive are read, results are written, weights and the optimiser's state are read and written.
           What lies between is not counted: it may stay in the cache.
functions  elementary functions of elements, by name.

The limit is the slowest of products / peak, bytes / bandwidth, and the functions' time shared out among
the threads. It leaves out additions and multiplications outside products, and that the three overlap in part
only; it counts inputs of the last three rows as if no cache kept any of them from step to step (that of
softmax keeps some where the third level has 32 MiB). Batches and widths are those of bench/jobs.c.
"""


def dense(rows, n_in, n_out):
    """One of the three products of a dense layer: forward, by its weights, by its input."""
    return 2 * rows * n_in * n_out


def training(inputs, weights, slots):
    """Bytes: each input read once; each weight and each slot of the optimiser read and written."""
    return 4 * (inputs + 2 * weights * (1 + slots))


def mlp():
    layers = dense(128, 784, 512), dense(128, 512, 512), dense(128, 512, 10)
    weights = 784 * 512 + 512 * 512 + 512 * 10 + 512 + 512 + 10
    return {
        # forward and by the weights; by the input in all but the first
        "products": 2 * sum(layers) + sum(layers[1:]),
        "bytes": training(128 * 784, weights, 2),           # Adam: two moments
        "functions": {"exp": 128 * 10, "log": 128},
    }


def vae():
    conv1 = dense(64 * 24 * 24, 5 * 5 * 1, 32)              # 28 x 28 x 1 -> 24 x 24 x 32, pooled to 12 x 12
    conv2 = dense(64 * 8 * 8, 5 * 5 * 32, 64)               # -> 8 x 8 x 64, pooled to 7 x 7
    layers = dense(64, 3136, 256), dense(64, 256, 10), dense(64, 5, 256), dense(64, 256, 784)
    weights = (25 + 1) * 32 + (25 * 32 + 1) * 64 + 3137 * 256 + 257 * 10 + 6 * 256 + 257 * 784
    return {
        "products": 2 * conv1 + 3 * conv2 + 3 * sum(layers),  # the image gets no gradient
        "bytes": training(64 * 784, weights, 1),            # RMSProp: one mean of squares
        # of each pixel the sigmoid, log p and log(1 - p); the standard deviation and the variance
        "functions": {"sigmoid": 64 * 784, "log": 64 * 784, "log1p": 64 * 784, "exp": 2 * 64 * 5},
    }


def wgan(n):
    first, middle = dense(128, n, 512), 2 * dense(128, 512, 512)
    last_g, last_c = dense(128, 512, n), dense(128, 512, 1)
    generator = first + middle + last_g                     # forward only
    # of the fake and of the real batch: forward, by the weights, by all inputs but the first
    batches = 2 * (3 * (middle + last_c) + 2 * first)
    # of the batch between: forward; the gradient by its input; and of that gradient's norm, through the
    # same layers again: forward as a tangent, and by the weights
    between = 4 * (first + middle + last_c)
    weights = 512 * n + 2 * 512 * 512 + 512 + 3 * 512 + 1   # the critic's
    fixed = 512 * n + 2 * 512 * 512 + 512 * n + 3 * 512 + n  # the generator's, read
    return {
        "products": generator + batches + between,
        "bytes": training(2 * 128 * n + 128 + fixed, weights, 1),
        "functions": {},
    }


def w2v():
    def distinct(drawn):
        return 20000 * (1 - (1 - 1 / 20000) ** drawn)       # rows of 20000 that `drawn` ids touch
    rows = distinct(128 * 10) + distinct(128 + 64)
    # the scores of targets and of noise: forward, by the context, by the rows
    scores = 3 * (2 * 128 * 300 + dense(128, 300, 64))
    return {
        "products": scores,
        "bytes": 4 * 2 * rows * 300,                        # the rows touched, read and written
        "functions": {"exp": 128 * 65, "log1p": 128 * 65},  # softplus; its slope uses the same exp
    }


def bilstm():
    from_x = dense(32 * 50, 64, 4 * 128)                    # all steps at once
    from_a = dense(32, 128, 4 * 128)                        # of each step but the first
    weights = 2 * (64 + 128 + 1) * 4 * 128
    return {
        # both ways: x gets no gradient
        "products": 2 * (2 * from_x + 3 * 49 * from_a),
        "bytes": training(32 * 50 * (64 + 256), weights, 2),
        # of each cell three gates, the candidate, and tanh of the state
        "functions": {"sigmoid": 2 * 50 * 32 * 128 * 3, "tanh": 2 * 50 * 32 * 128 * 2},
    }


def mha():
    projection = dense(16 * 64, 256, 256)
    heads = 16 * 8 * dense(64, 32, 64)                      # scores, or their product with the values
    return {
        # four projections forward and by the weights, the last one by its input too; of the heads two
        # products forward and four backward
        "products": 9 * projection + 6 * heads,
        "bytes": training(2 * 16 * 64 * 256, 4 * 257 * 256, 2),
        "functions": {"exp": 16 * 8 * 64 * 64},
    }


def wavenet():
    dilated = dense(8 * (1024 + 1016), 64, 64)              # two taps, of which one begins in the padding
    pointwise = dense(8 * 1024, 64, 64)
    n = 8 * 1024 * 64
    return {
        "products": 2 * dilated + 3 * pointwise,            # x gets no gradient
        "bytes": training(4 * n, 3 * 64 * 64 + 128, 0),
        "functions": {"tanh": n, "sigmoid": n},
    }


def resnet():
    # Winograd's F(2x2, 3x3), whose error is of the size of direct sums': 16 products for four places;
    # F(4x4, 3x3) has 36 for sixteen, and some times the error
    conv = 2 * 32 * (32 // 2) ** 2 * 16 * 64 * 64
    return {
        "products": 5 * conv,                               # x gets no gradient
        "bytes": training(2 * 32 * 32 * 32 * 64, 2 * (576 * 64 + 3 * 64), 1),
        "functions": {},
    }


def elementwise():
    n = 4 << 20
    return {
        "products": 0,
        "bytes": 4 * 12 * n,                                # 5 inputs and dy; y and 5 gradients
        "functions": {"tanh": n, "sigmoid": n, "exp": n},   # slopes use their results
    }


def softmax():
    n = 4096 * 1024
    return {
        "products": 0,
        "bytes": 4 * 4 * n,                                 # x and dy; y and dx
        "functions": {"exp": n},
    }


def layernorm():
    n = 4096 * 1024
    return {
        "products": 0,
        # x, r and dy; y, and the one array that is the gradient of both x and r
        "bytes": 4 * (5 * n + 4 * 1024),
        "functions": {"erf": n, "exp": n},                  # gelu; its slope uses erf again and exp(-x x / 2)
    }


COSTS = {
    "mlp": mlp(),
    "vae": vae(),
    "wgan_gp_critic": wgan(2),
    "wgan_gp_critic_784": wgan(784),
    "w2v_nce": w2v(),
    "bilstm": bilstm(),
    "mha": mha(),
    "wavenet_block": wavenet(),
    "resnet_block": resnet(),
    "elementwise_chain": elementwise(),
    "softmax": softmax(),
    "layernorm_chain": layernorm(),
}

# Two threads should gain 1.7 where this is the bound.
BY_PRODUCTS, BY_MEMORY, BY_FUNCTIONS, BY_HAND = "products", "memory", "functions", "step by hand"


def limit(name, threads, machine):
    """Seconds and what they are bound by, from a line of bench/limits."""
    if name == "tiny_mlp":
        return machine["tiny_s"], BY_HAND
    cost = COSTS[name]
    # rows read and write; reading alone or writing alone is slower
    bandwidth = max(v[threads - 1] for v in machine["memory"].values())
    functions = sum(n * min(machine[lib][f] for lib in ("own", "mvec") if f in machine[lib])
                    for f, n in cost["functions"].items())
    found = [(cost["products"] / machine["peak"][threads - 1] * 1e-9, BY_PRODUCTS),
             (cost["bytes"] / bandwidth * 1e-9, BY_MEMORY),
             (functions * 1e-9 / threads, BY_FUNCTIONS)]
    return max(found)


if __name__ == "__main__":
    for name, c in COSTS.items():
        print("%-20s %9.2f MFLOP  %7.2f MB  %s" % (name, c["products"] / 1e6, c["bytes"] / 1e6, " ".join(
            "%s %.3gM" % (f, n / 1e6) for f, n in c["functions"].items())))
