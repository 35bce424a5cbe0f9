/* exp, log, tanh and others of vectors, inlined where they are used. Polynomials are near-minimax fits (Chebyshev) to
 * 3e-8 or better where they matter; tests compare all of them with libm. */
#ifndef GR_CPU_VEC_MATH_H
#define GR_CPU_VEC_MATH_H

#include "backend/cpu/vec.h"

#define VINF __builtin_inff()
#define VNAN __builtin_nanf("")

/* x = n ln2 + r, |r| <= ln2 / 2: e^x = 2^n (1 + r + r^2 q(r)). n ln2_high is exact. */
INLINE vec vexp_reduced(vec x, vec *n)
{
    *n = vround(x * 1.44269504f);
    vec r = vmadd(*n, vset(-0.693115234375f), x);
    r = vmadd(*n, vset(-3.19461849e-5f), r);
    vec q = vmadd(r, vset(0.001392632562f), vset(0.008363292753f));
    q = vmadd(q, r, vset(0.04166655376f));
    q = vmadd(q, r, vset(0.1666657631f));
    q = vmadd(q, r, vset(0.5f));
    return vmadd(q, r * r, r);
}

INLINE vec vexp(vec x)
{
    vec n, c = vclamp(x, -104, 89);
    vec p = vexp_reduced(c, &n) + 1;
#if defined(GR_ISA_AVX512)
    return vscale(p, n);
#else
    return vsel(vlt(vset(88.7228394f), x), vset(VINF), vscale(p, n));
#endif
}

/* log(u + c) for a correction c, below the last place of u, or none: u = 2^k m, m from sqrt(1/2) to sqrt(2), f = m - 1.
 */
INLINE vec vlog_of(vec u, const vec *c)
{
    mask tiny = vlt(u, vset(0x1p-126f));
    vec x = vsel(tiny, u * 0x1p24f, u);
    ivec e = ((ivec)x - 0x3f3504f3) >> 23;
    vec k = vfromint(e) - vsel(tiny, vset(24), vset(0));
    vec f = (vec)((ivec)x - (e << 23)) - 1;
    if (c) {
        ivec scale = 127 - e; /* 2^-k; where it would overflow c is 0 */
        f = vmadd(*c, (vec)((scale & (scale > 0)) << 23), f);
    }
    vec p = vmadd(f, vset(0.06971611471f), vset(-0.1147973385f));
    p = vmadd(p, f, vset(0.1168541992f));
    p = vmadd(p, f, vset(-0.1242568733f));
    p = vmadd(p, f, vset(0.1424905765f));
    p = vmadd(p, f, vset(-0.1666780232f));
    p = vmadd(p, f, vset(0.2000071575f));
    p = vmadd(p, f, vset(-0.2499999696f));
    p = vmadd(p, f, vset(0.3333333118f));
    vec s = f * f;
    p = vmadd(k, vset(3.19461849e-5f), p * (s * f));
    p = vmadd(s, vset(-0.5f), p);
    vec y = vmadd(k, vset(0.693115234375f), f + p);
    y = vsel(vlt(u, vset(VINF)), y, u); /* inf and NaN stay */
    y = vsel(vlt(vset(0), u), y, vsel(vlt(u, vset(0)), vset(VNAN), y));
    return vsel(veq(u, vset(0)), vset(-VINF), y);
}

INLINE vec vlog(vec x)
{
    return vlog_of(x, NULL);
}

INLINE vec vlog1p(vec x)
{
    vec u = x + 1, c = x - (u - 1);
    c = vsel(vlt(vabs(x), vset(VINF)), c, vset(0));
    vec y = vlog_of(u, &c);
    return vsel(vlt(vabs(x), vset(0x1p-13f)), vmadd(x * x, vset(-0.5f), x), y);
}

INLINE vec vtanh(vec x)
{
    vec a = vabs(x), s = x * x, n;
    vec p = vmadd(s, vset(-0.00607516659f), vset(0.02098229759f));
    p = vmadd(p, s, vset(-0.0538477577f));
    p = vmadd(p, s, vset(0.1333274891f));
    p = vmadd(p, s, vset(-0.3333332874f));
    p = vmadd(p, s * x, x);
    vec c = vclamp(a, 0, 10); /* tanh(10) rounds to 1 */
    vec e = vexp_reduced(c + c, &n) + 1;
    vec large = 1 - 2 / (vscale(e, n) + 1);
    return vsel(vlt(a, vset(0.625f)), p, vsignof(large, x));
}

/* With e = exp(-|x|): 1 / (1 + e) or e / (1 + e). What 1 + e lost by rounding is put right afterwards, for which 1 / (1
 * + e) to 3 % will do. */
INLINE vec vsigmoid(vec x)
{
    vec e = vexp((vec)((ivec)x | INT32_MIN)), d = 1 + e, lost = e - (d - 1);
    vec y = vsel(vlt(x, vset(0)), e, vset(1)) / d;
    return vmadd(vneg(y), lost * vmadd(d, vset(-0.5f), vset(1.457f)), y);
}

/* Below 0.93 x + x Q(x^2); above 1 - exp(-x G(x)), where G fits -log(erfc x) / x up to 4. */
INLINE vec verf(vec x)
{
    vec a = vabs(x), s = x * x, n;
    vec p = vmadd(s, vset(-0.0005946287062f), vset(0.00498478206f));
    p = vmadd(p, s, vset(-0.02676119666f));
    p = vmadd(p, s, vset(0.1128167775f));
    p = vmadd(p, s, vset(-0.3761248188f));
    p = vmadd(p, s, vset(0.1283791481f));
    p = vmadd(p, x, x);
    vec c = vclamp(a, 0, 4);
    vec g = vmadd(c, vset(-1.046065682e-6f), vset(3.438850877e-5f));
    g = vmadd(g, c, vset(-0.0004988250082f));
    g = vmadd(g, c, vset(0.004303789308f));
    g = vmadd(g, c, vset(-0.02513955031f));
    g = vmadd(g, c, vset(0.1078556529f));
    g = vmadd(g, c, vset(0.6341481838f));
    g = vmadd(g, c, vset(1.128902798f));
    vec e = vexp_reduced(vneg(g * c), &n) + 1;
    vec large = 1 - vscale(e, n);
    return vsel(vlt(a, vset(0.93f)), p, vsignof(large, x));
}

/* Half a vector of sines in double: x = n pi/2 + r, exact enough below 2^22; quarter n picks polynomial and sign. */
INLINE dvec dsin_quarter(dvec x, int64_t add)
{
    dvec big = dset(0x1.8p52), n = x * 0.63661977236758134308 + big;
    lvec q = (lvec)n + add;
    n = n - big;
    dvec r = x - n * 1.570796325802803039550781;
    r = r - n * 9.920935791635221434603409e-10;
    r = r - n * 5.1701829817941055689e-19;
    dvec s = r * r;
    dvec p = dset(2.724931405e-6) * s - 0.0001984008201;
    p = p * s + 0.008333331866;
    p = p * s - 0.1666666666;
    p = p * s * r + r;
    dvec c = dset(-2.730044862e-7) * s + 2.480059644e-5;
    c = c * s - 0.001388888766;
    c = c * s + 0.04166666666;
    c = c * (s * s) - s * 0.5 + 1;
    lvec odd = -(q & 1);
    dvec y = (dvec)((odd & (lvec)c) | (~odd & (lvec)p));
    return (dvec)((lvec)y ^ ((q & 2) << 62));
}

/* Too large to reduce here: lane by lane in libm, which rows of real data never reach. */
__attribute__((noinline, cold, unused)) static void sin_huge(const float *x, float *y, int quarter)
{
    for (int k = 0; k < V; k++)
        if (!(__builtin_fabsf(x[k]) < 0x1p22f))
            y[k] = quarter ? (float)__builtin_cos((double)x[k]) : (float)__builtin_sin((double)x[k]);
}

INLINE vec vsin_quarter(vec x, int quarter)
{
    vec y = vjoin(dsin_quarter(dlow(x), quarter), dsin_quarter(dhigh(x), quarter));
    if (!quarter) y = vsel(veq(x, vset(0)), x, y); /* -0 */
    if (__builtin_expect(many(mnot(vlt(vabs(x), vset(0x1p22f)))), 0)) {
        float from[V], to[V];
        vstore(from, x);
        vstore(to, y);
        sin_huge(from, to, quarter);
        y = vload(to);
    }
    return y;
}

INLINE vec vsin(vec x)
{
    return vsin_quarter(x, 0);
}

INLINE vec vcos(vec x)
{
    return vsin_quarter(x, 1);
}

#endif
