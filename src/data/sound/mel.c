/* Log-mel energies. All of it in float64: what leaks into the bands far from a loud tone is smaller than float32 can
 * tell from its own rounding, and its logarithm would be noise. */
#include <math.h>
#include <string.h>

#include "data/sound/sound.h"

#define PI 3.14159265358979323846
#define FLOOR 1e-10

static double mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

static double hertz_of(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

/* Height at f of the triangle from a over b to c. */
static double triangle(double a, double b, double c, double f)
{
    return GR_MAX(GR_MIN((f - a) / (b - a), (c - f) / (c - b)), 0);
}

static bool make_band(gr__bump *b, gr__mel *m, int64_t band)
{
    double corner[3], step = (double)m->rate / (double)m->fft, top = mel_of((double)m->rate / 2);
    for (int k = 0; k < 3; k++) corner[k] = hertz_of(top * (double)(band + k) / (double)(m->mels + 1));
    int64_t first = 0, end = m->fft / 2 + 1;
    while (first < end && (double)first * step <= corner[0]) first++;
    while (end > first && (double)(end - 1) * step >= corner[2]) end--;
    m->first[band] = first;
    m->n[band] = end - first;
    m->weight[band] = gr__bump_alloc(b, (size_t)(end - first) * sizeof(double));
    if (!m->weight[band]) return false;
    for (int64_t k = first; k < end; k++)
        m->weight[band][k - first] = triangle(corner[0], corner[1], corner[2], (double)k * step);
    return true;
}

gr_status gr__mel_make(gr__bump *b, int64_t rate, int64_t mels, int64_t window, int64_t hop, gr__mel *out)
{
    gr__mel m = {.rate = rate, .mels = mels, .window = window, .hop = hop, .fft = 4, .floor = (float)log(FLOOR)};
    while (m.fft < window) m.fft *= 2;
    m.hann = gr__bump_alloc(b, (size_t)window * sizeof *m.hann);
    m.turn = gr__bump_alloc(b, (size_t)m.fft * sizeof *m.turn);
    m.first = gr__bump_alloc(b, (size_t)mels * sizeof *m.first);
    m.n = gr__bump_alloc(b, (size_t)mels * sizeof *m.n);
    m.weight = gr__bump_alloc(b, (size_t)mels * sizeof *m.weight);
    if (!m.hann || !m.turn || !m.first || !m.n || !m.weight) return GR_E_MEMORY;
    for (int64_t i = 0; i < window; i++) m.hann[i] = 0.5 - 0.5 * cos(2 * PI * (double)i / (double)window);
    for (int64_t k = 0; k < m.fft / 2; k++) {
        m.turn[2 * k] = cos(2 * PI * (double)k / (double)m.fft);
        m.turn[2 * k + 1] = -sin(2 * PI * (double)k / (double)m.fft);
    }
    for (int64_t i = 0; i < mels; i++)
        if (!make_band(b, &m, i)) return GR_E_MEMORY;
    *out = m;
    return GR_OK;
}

int64_t gr__mel_frames(const gr__mel *m, int64_t n)
{
    return n <= m->window ? 1 : 1 + (n - m->window) / m->hop;
}

int64_t gr__mel_samples(const gr__mel *m, int64_t n, int rate)
{
    return n / rate * m->rate + n % rate * m->rate / rate;
}

/* The transform of n complex numbers, n a power of two, in place; turns stand `apart` pairs apart.
 * [Cooley & Tukey 1965] */
static void transform(double *z, int64_t n, const double *turn, int64_t apart)
{
    for (int64_t i = 1, j = 0; i < n; i++) { /* places with their bits reversed */
        int64_t bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i >= j) continue;
        double re = z[2 * i], im = z[2 * i + 1];
        z[2 * i] = z[2 * j], z[2 * i + 1] = z[2 * j + 1];
        z[2 * j] = re, z[2 * j + 1] = im;
    }
    for (int64_t half = 1; half < n; half *= 2) {
        for (int64_t block = 0; block < n; block += 2 * half) {
            for (int64_t k = 0; k < half; k++) {
                const double *w = turn + 2 * apart * (n / (2 * half)) * k;
                double *a = z + 2 * (block + k), *b = a + 2 * half;
                double re = b[0] * w[0] - b[1] * w[1], im = b[0] * w[1] + b[1] * w[0];
                b[0] = a[0] - re, b[1] = a[1] - im;
                a[0] += re, a[1] += im;
            }
        }
    }
}

/* |X_k|^2 of the real numbers x, k = 0 .. fft/2: even ones as real parts and odd ones as imaginary parts are one
 * transform of half the size, whose halves are told apart by symmetry. x is lost. */
static void powers(const gr__mel *m, double *x, double *power)
{
    int64_t n = m->fft / 2;
    transform(x, n, m->turn, 2);
    for (int64_t k = 0; k <= n; k++) {
        const double *a = x + 2 * (k % n), *b = x + 2 * ((n - k) % n);
        double even_re = 0.5 * (a[0] + b[0]), even_im = 0.5 * (a[1] - b[1]);
        double odd_re = 0.5 * (a[1] + b[1]), odd_im = 0.5 * (b[0] - a[0]);
        double c = k < n ? m->turn[2 * k] : -1, s = k < n ? m->turn[2 * k + 1] : 0;
        double re = even_re + c * odd_re - s * odd_im, im = even_im + c * odd_im + s * odd_re;
        power[k] = re * re + im * im;
    }
}

void gr__mel_frame(const gr__mel *m, const double *x, double *work, float *out)
{
    double *power = work + m->fft;
    for (int64_t i = 0; i < m->window; i++) work[i] = x[i] * m->hann[i];
    memset(work + m->window, 0, (size_t)(m->fft - m->window) * sizeof *work);
    powers(m, work, power);
    for (int64_t i = 0; i < m->mels; i++) {
        double energy = 0;
        for (int64_t k = 0; k < m->n[i]; k++) energy += m->weight[i][k] * power[m->first[i] + k];
        out[i] = (float)log(GR_MAX(energy, FLOOR));
    }
}
