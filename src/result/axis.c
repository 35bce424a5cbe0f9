/* Ranges and ticks. Linear ticks are 1, 2 or 5 times a power of ten apart [Heckbert 1990]; logarithmic ones stand at
 * powers of ten, with 2 and 5 between where these are few. */
#include "result/axis.h"

#include <math.h>

static void print(char *buffer, size_t n, const char *format, ...) GR_PRINTF(3, 4);
static void print(char *buffer, size_t n, const char *format, ...) /* a point in every locale */
{
    va_list args;
    va_start(args, format);
    gr__print(buffer, n, format, args);
    va_end(args);
}

static const double FAR = 1e5; /* pixels of anything outside, so that slopes of clipped lines stay right */

void gr__range_add(gr_range *r, bool log, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || (log && !(x[i] > 0))) continue;
        r->low = r->any ? fmin(r->low, x[i]) : x[i];
        r->high = r->any ? fmax(r->high, x[i]) : x[i];
        r->any = true;
    }
}

gr_scale gr__scale_make(const gr_axis *a, const gr_range *r)
{
    gr_scale s = {.log = a->log, .words = a->log ? NULL : a->words, .low = a->log ? 1 : 0, .high = a->log ? 10 : 1};
    if (a->low < a->high && isfinite(a->low) && isfinite(a->high) && (a->low > 0 || !a->log)) {
        s.low = a->low;
        s.high = a->high;
        return s;
    }
    if (!r->any) return s;
    s.low = r->low;
    s.high = r->high;
    if (a->log) {
        double margin = fmax(pow(s.high / s.low, 0.03), s.high / s.low < 1.0001 ? 3 : 1);
        s.low = fmax(s.low / margin, 1e-307);
        s.high = fmin(s.high * margin, 1e307);
    } else {
        double half = s.high / 2 - s.low / 2,
               size = fmax(fabs(s.low), fabs(s.high)); /* halves: the whole may be beyond the largest number */
        double margin = half > 1e-12 * size ? 0.08 * half : size > 0 ? size / 2 : 1;
        s.low = fmax(s.low - margin, -1e308);
        s.high = fmin(s.high + margin, 1e308);
    }
    if (!(s.low < s.high)) s.low = a->log ? s.high / 10 : s.high - 1;
    return s;
}

double gr__scale_at(const gr_scale *s, double v)
{
    if (!isfinite(v) || (s->log && !(v > 0))) return NAN;
    double t = s->log ? (log10(v) - log10(s->low)) / (log10(s->high) - log10(s->low))
                      : (v / 2 - s->low / 2) / (s->high / 2 - s->low / 2);
    return s->from + fmin(fmax(t * (s->to - s->from), -FAR), FAR);
}

static double length(const gr_scale *s)
{
    return fabs(s->to - s->from);
}

/* A number in steps of `step`, where the axis reaches as far as `size`. */
static void label(gr_tick *t, double v, double step, double size)
{
    int power = (int)floor(log10(size) + 1e-9), digits = (int)floor(log10(step) + 1e-9);
    t->has_exponent = (power >= 5 || power < -3) && v != 0;
    t->exponent = power;
    if (t->has_exponent) {
        double scaled = power < -300 ? v * 1e300 / pow(10, power + 300) : v / pow(10, power);
        print(t->text, sizeof t->text,
              "%.*f\xC3\x97"
              "10",
              GR_MIN(GR_MAX(power - digits, 0), 9), scaled);
    } else {
        print(t->text, sizeof t->text, "%.*f", v == 0 ? 0 : GR_MIN(GR_MAX(-digits, 0), 9), v);
    }
}

static int linear_ticks(const gr_scale *s, double spacing, gr_tick *ticks)
{
    double half = s->high / 2 - s->low / 2, rough = fmax(half / fmax(length(s) / spacing, 1) * 2, 1e-300);
    double power = pow(10, floor(log10(rough))), step = rough / power <= 1   ? power
                                                        : rough / power <= 2 ? 2 * power
                                                        : rough / power <= 5 ? 5 * power
                                                                             : 10 * power;
    double first = ceil(s->low / step - 1e-9);
    int n = 0;
    if (!isfinite(step) || fabs(first) > 1e15) return 0; /* numbers that lie closer than their own rounding */
    for (int i = 0; i < GR_MAX_TICKS; i++) {
        double v = (first + i) * step;
        if (v > s->high + 1e-9 * step) break;
        ticks[n] = (gr_tick){.at = v};
        label(&ticks[n++], v, step, fmax(fabs(s->low), fabs(s->high)));
    }
    return n;
}

static int add_power(gr_tick *ticks, int n, int factor, int power, bool labelled)
{
    gr_tick *t = &ticks[n];
    *t = (gr_tick){.at = factor * pow(10, power), .exponent = power};
    if (!labelled) return n + 1;
    t->has_exponent = power < -3 || power > 3;
    if (!t->has_exponent)
        print(t->text, sizeof t->text, "%.*f", GR_MAX(-power, 0), t->at);
    else if (factor == 1)
        print(t->text, sizeof t->text, "10");
    else
        print(t->text, sizeof t->text,
              "%d\xC3\x97"
              "10",
              factor);
    return n + 1;
}

static int log_ticks(const gr_scale *s, double spacing, gr_tick *ticks)
{
    double low = log10(s->low), high = log10(s->high);
    int first = (int)floor(low), last = (int)ceil(high), n = 0;
    int whole = (int)(floor(high + 1e-9) - ceil(low - 1e-9)) + 1; /* powers of ten within */
    if (whole < 2 && high - low < 0.7) return linear_ticks(s, spacing, ticks);
    int every = (int)ceil(spacing * (high - low) / length(s));
    for (int e = first; e <= last; e++) {
        for (int factor = 1; factor < 10; factor++) {
            double at = log10(factor) + e;
            bool major = factor == 1 ? (e % every) == 0 : every == 1 && whole <= 3 && (factor == 2 || factor == 5);
            if (at < low - 1e-9 || at > high + 1e-9 || n == GR_MAX_TICKS) continue;
            if (major || (every == 1 && whole <= 6)) n = add_power(ticks, n, factor, e, major);
        }
    }
    return n;
}

static int word_ticks(const gr_scale *s, gr_tick *ticks)
{
    int n = 0;
    for (int i = 0; n < GR_MAX_TICKS && s->words[i]; i++) {
        if (i < s->low || i > s->high) continue;
        ticks[n] = (gr_tick){.at = i};
        print(ticks[n++].text, sizeof ticks->text, "%s", s->words[i]);
    }
    return n;
}

int gr__scale_ticks(const gr_scale *s, double spacing, gr_tick *ticks)
{
    if (s->words) return word_ticks(s, ticks);
    return s->log ? log_ticks(s, spacing, ticks) : linear_ticks(s, spacing, ticks);
}
