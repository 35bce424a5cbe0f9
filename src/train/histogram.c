/* Histograms whose bins depend on no data. */
#include "train/histogram.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

void gr__histogram_begin(gr_histogram *h)
{
    memset(h, 0, sizeof *h);
    h->low = h->high = NAN;
}

/* By the bits of the number: its octave is the exponent, the part of it the first four bits behind that. */
static int bin_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int octave = (int)(bits >> 52 & 0x7FF) - 1023 - GR_BIN_LOWEST, part = (int)(bits >> 48 & 15);
    if (octave < 0) return GR_BINS_SIDE;
    int i = octave < GR_BIN_OCTAVES ? octave * GR_BIN_PARTS + part : GR_BINS_SIDE - 1;
    return x > 0 ? GR_BINS_SIDE + 1 + i : GR_BINS_SIDE - 1 - i;
}

static double edge(int i) /* the low end of bin i of the positive side, counted from 0 */
{
    return ldexp(1 + (double)(i % GR_BIN_PARTS) / GR_BIN_PARTS, i / GR_BIN_PARTS + GR_BIN_LOWEST);
}

double gr__bin_low(int i)
{
    return i > GR_BINS_SIDE ? edge(i - GR_BINS_SIDE - 1) : i == GR_BINS_SIDE ? -edge(0) : -edge(GR_BINS_SIDE - i);
}

double gr__bin_high(int i)
{
    return i < GR_BINS_SIDE ? -edge(GR_BINS_SIDE - 1 - i) : edge(i - GR_BINS_SIDE);
}

static double number(const void *numbers, int64_t i, bool wide)
{
    return wide ? ((const double *)numbers)[i] : (double)((const float *)numbers)[i];
}

/* Sums of a block are taken from its first number: what is far from 0 and close together loses no digits. */
static void add_block(gr_histogram *h, const void *numbers, int64_t first, int64_t end, bool wide, double scale)
{
    double from = NAN, sum = 0, squares = 0;
    int64_t n = 0;
    for (int64_t i = first; i < end; i++) {
        double x = number(numbers, i, wide) * scale;
        if (!isfinite(x)) {
            h->nonfinite++;
            continue;
        }
        if (n++ == 0) from = x;
        sum += x - from;
        squares += (x - from) * (x - from);
        h->zeros += x == 0;
        h->bin[bin_of(x)]++;
        if (!(x >= h->low)) h->low = x; /* NaN gives way */
        if (!(x <= h->high)) h->high = x;
    }
    if (n == 0) return;
    double mean = from + sum / (double)n, m2 = fmax(squares - sum * sum / (double)n, 0), apart = mean - h->mean;
    int64_t all = h->n + n;
    h->m2 += m2 + apart * apart * ((double)h->n * (double)n / (double)all);
    h->mean += apart * ((double)n / (double)all);
    h->n = all;
}

void gr__histogram_add(gr_histogram *h, const void *numbers, int64_t n, bool wide, double scale)
{
    enum { BLOCK = 4096 };
    for (int64_t i = 0; i < n; i += BLOCK) add_block(h, numbers, i, GR_MIN(i + BLOCK, n), wide, scale);
}

double gr__histogram_std(const gr_histogram *h)
{
    return sqrt(h->m2 / (double)h->n);
}

double gr__histogram_rms(const gr_histogram *h)
{
    return sqrt(h->m2 / (double)h->n + h->mean * h->mean) + 0 * h->low;
}

void gr__histogram_even(const gr_histogram *h, double low, double high, int n, double *out)
{
    double width = (high - low) / n;
    for (int k = 0; k < n; k++) out[k] = 0;
    for (int i = 0; i < GR_BINS; i++) {
        if (h->bin[i] == 0) continue;
        double a = fmax(gr__bin_low(i), h->low), b = fmin(gr__bin_high(i), h->high);
        if (i == 0) a = h->low; /* the outermost have no other end */
        if (i == GR_BINS - 1) b = h->high;
        if (i == GR_BINS_SIDE && h->zeros == h->bin[i]) a = b = 0;
        if (!(b > a)) { /* one place */
            int k = (int)((a - low) / width);
            if (a >= low && a <= high) out[GR_MIN(k, n - 1)] += (double)h->bin[i];
            continue;
        }
        for (int k = (int)fmax((a - low) / width, 0); k < n && low + k * width < b; k++) {
            double share = (fmin(low + (k + 1) * width, b) - fmax(low + k * width, a)) / (b - a);
            if (share > 0) out[k] += share * (double)h->bin[i];
        }
    }
}
