#!/usr/bin/env python3
"""Fits the polynomials of src/ops/vmath_*.h and prints src/ops/vmath_coef.h.

Each function reduces to a short interval where  f(x) = fixed part + weight(x) * P(t(x)).  Remez's exchange
finds the P whose largest error, relative to f, is least; the coefficients are then rounded to the target
type one after the other from the lowest, the rest being fitted again, so that no rounding goes uncorrected.

usage: fit_vmath.py > src/ops/vmath_coef.h
"""
import struct
import mpmath as mp

mp.mp.dps = 45


def rounded(x, bits):
    """x rounded to the nearest number of that many significant bits."""
    x = mp.mpf(x)
    if x == 0:
        return x
    e = mp.floor(mp.log(abs(x), 2)) + 1
    return mp.ldexp(mp.nint(mp.ldexp(x, int(bits - e))), int(e - bits))


def remez(target, basis, a, b, grid=600, rounds=25):
    """Coefficients c least in max |target(x) - sum c[i] basis[i](x)| on [a, b], and that maximum."""
    n = len(basis)
    xs = [a + (b - a) * (1 - mp.cos(mp.pi * i / grid)) / 2 for i in range(grid + 1)]
    T = [target(x) for x in xs]
    B = [[f(x) for f in basis] for x in xs]
    best, least = None, mp.inf
    ref = sorted({round(grid * (i + 0.5) / (n + 1)) for i in range(n + 1)})
    for _ in range(rounds):
        M = mp.matrix(n + 1, n + 1)
        r = mp.matrix(n + 1, 1)
        for i, k in enumerate(ref):
            for j in range(n):
                M[i, j] = B[k][j]
            M[i, n] = (-1) ** i
            r[i] = T[k]
        c = mp.lu_solve(M, r)
        err = [T[k] - mp.fsum(c[j] * B[k][j] for j in range(n)) for k in range(grid + 1)]
        peaks = []                      # one extremum for each run of equal sign
        for k in range(grid + 1):
            if peaks and (err[k] >= 0) == (err[peaks[-1]] >= 0):
                if abs(err[k]) > abs(err[peaks[-1]]):
                    peaks[-1] = k
            else:
                peaks.append(k)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(err[peaks[0]]) < abs(err[peaks[-1]]) else -1)
        top = max(abs(e) for e in err)
        if top < least:
            best, least = [c[j] for j in range(n)], top
        if len(peaks) < n + 1 or peaks == ref:
            break
        ref = peaks
    return best, least


def fit(name, f, fixed, weight, t, degree, a, b, bits):
    """P of that degree in t(x) with fixed(x) + weight(x) P(t(x)) close to f(x) relative to `scale` f."""
    a, b = mp.mpf(a), mp.mpf(b)
    scale = lambda x: abs(f(x))         # so that no weight changes sign: Remez needs that
    basis = [(lambda x, k=k: weight(x) * t(x) ** k / scale(x)) for k in range(degree + 1)]
    done = []

    def rest(x):
        return (f(x) - fixed(x) - weight(x) * mp.fsum(c * t(x) ** k for k, c in enumerate(done))) / scale(x)

    c, first = remez(rest, basis, a, b)
    while True:
        done.append(rounded(c[0], bits))
        if len(done) > degree:
            break
        again, top = remez(rest, basis[len(done):], a, b)
        c = again if top < 2 * first else c[1:]     # a refit that went astray is worse than none
    last = max(abs(rest(a + (b - a) * (1 - mp.cos(mp.pi * i / 997)) / 2)) for i in range(998))
    return name, done, first, last


def table(name, numbers, bits):
    """Prints a C array of numbers of 24 or 53 bits, in hexadecimal: those are exact."""
    kind, suffix = ('float', 'f') if bits == 24 else ('double', '')
    print(f'static const {kind} {name}[] = {{')
    line = '   '
    for x in numbers:
        digits, power = float(x).hex().split('p')
        word = ' ' + digits.rstrip('0').rstrip('.') + 'p' + power + suffix + ','
        if len(line) + len(word) > 99:
            print(line)
            line = '   '
        line += word
    print(line + '\n};')


def show(item, bits):
    name, c, first, last = item
    print(f'/* largest relative error 2^{float(mp.log(last, 2)):.1f}'
          f' (2^{float(mp.log(first, 2)):.1f} before rounding) */')
    table(name, c, bits)


def parts(x, pieces):
    """x as a sum of numbers of so many bits each."""
    out = []
    for b in pieces:
        out.append(rounded(x, b))
        x -= out[-1]
    return out


def away(x, eps=mp.mpf(2) ** -30):
    """The quotients below are 0/0 at 0: step aside."""
    return x if abs(x) > eps else eps


def main():
    half = mp.log(2) / 2 * mp.mpf('1.001')
    low, high = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(2) - 1
    quarter = mp.pi / 4 * mp.mpf('1.001')
    print('/* Written by scripts/fit_vmath.py: polynomials, lowest power first, and split constants. */')
    print('/* clang-format off */')
    print('#ifndef WG_VMATH_COEF_H\n#define WG_VMATH_COEF_H\n')
    for bits, suffix, degree, top_erf in (
            (24, 'f32', dict(exp=4, log=8, sin=2, cos=2, erf=9), mp.mpf('3.95')),
            (53, 'f64', dict(exp=9, log=6, sin=5, cos=5, erf=23), mp.mpf(6))):
        pieces = (24, 24, 24, 16, 16, 24) if bits == 24 else (53, 53, 53, 33, 33, 33, 53)
        print('/* pi/2 in three parts of full length; in short ones and a rest */')
        table('half_pi_' + suffix, parts(mp.pi / 2, pieces[:3]) + parts(mp.pi / 2, pieces[3:]), bits)
        print()
        print('/* exp: expm1(r) = r + r^2 P(r) */')
        show(fit('exp_' + suffix, lambda x: mp.expm1(away(x)), lambda x: away(x),
                 lambda x: away(x) ** 2, away, degree['exp'], -half, half, bits), bits)
        if bits == 24:
            print('\n/* log1p(f) = f - f^2/2 + f^3 P(f) */')
            show(fit('log_' + suffix, lambda x: mp.log1p(away(x)), lambda x: away(x) - away(x) ** 2 / 2,
                     lambda x: away(x) ** 3, away, degree['log'], low, high, bits), bits)
        else:
            print('\n/* log1p(f) = 2 s + s z P(z), s = f / (2 + f), z = s^2 */')
            top = high / (2 + high)
            show(fit('log_' + suffix, lambda x: 2 * mp.atanh(away(x)), lambda x: 2 * away(x),
                     lambda x: away(x) ** 3, lambda x: away(x) ** 2, degree['log'], 0, top, bits), bits)
        print('\n/* sin(r) = r + r^3 P(r^2) */')
        show(fit('sin_' + suffix, lambda x: mp.sin(away(x)), away, lambda x: away(x) ** 3,
                 lambda x: away(x) ** 2, degree['sin'], 0, quarter, bits), bits)
        print('\n/* cos(r) = 1 - r^2/2 + r^4 P(r^2) */')
        show(fit('cos_' + suffix, mp.cos, lambda x: 1 - x * x / 2, lambda x: x ** 4,
                 lambda x: x * x, degree['cos'], 0, quarter, bits), bits)
        print('\n/* erf(x) = -expm1(-x (1 + P(x))), x >= 0: an error of P counts as much as erf(x) feels it */')
        def bend(x): return x * mp.erfc(x) / mp.erf(x)
        show(fit('erf_' + suffix, lambda x: mp.mpf(1),
                 lambda x: 1 + bend(away(x)) * (mp.log(mp.erfc(away(x))) / away(x) + 1),
                 lambda x: bend(away(x)), away, degree['erf'], 0, top_erf, bits), bits)
        print()
    print('#endif')


if __name__ == '__main__':
    main()
