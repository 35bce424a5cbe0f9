/* First filters: pictures, and a fit of Gabor functions. */
#include "train/filters.h"

#include <math.h>

#include "base/rng.h"

bool gr__filters_find(const gr_network *network, gr_filters *out)
{
    size_t n;
    const gr_param_info *all = gr__network_params(network, &n);
    for (size_t i = 0; i < n; i++) {
        const gr_shape s = all[i].entry.shape;
        if (all[i].entry.layout != GR_LAYOUT_CONV || s.rank != 4 || s.dim[1] * s.dim[2] == 1) continue;
        *out = (gr_filters){all[i].entry.name, &all[i], s.dim[0], s.dim[1], s.dim[2], s.dim[3]};
        return true;
    }
    return false;
}

/* ---- pictures ---- */

static const gr_colour ground = {0xEC, 0xEE, 0xF1};

typedef struct tiling {
    int n, columns, rows, width, height; /* of a tile, in numbers */
} tiling;

static tiling tiling_of(const gr_filters *f)
{
    tiling t = {.n = (int)GR_MIN(f->n, GR_FILTERS_MOST),
                .width = (int)GR_MIN(f->width, GR_FILTER_PIXELS),
                .height = (int)GR_MIN(f->height, GR_FILTER_PIXELS)};
    t.columns = (int)ceil(sqrt((double)t.n));
    t.rows = (t.n + t.columns - 1) / t.columns;
    return t;
}

size_t gr__filters_bytes(const gr_filters *f, int times)
{
    tiling t = tiling_of(f);
    size_t gap = 2;
    return sizeof(gr_colour) * (size_t)t.columns * ((size_t)(t.width * times) + gap) * (size_t)t.rows *
               ((size_t)(t.height * times) + gap) +
           1024;
}

static double at(const gr_filters *f, const double *numbers, int64_t k, int64_t y, int64_t x, int64_t c)
{
    return numbers[((k * f->height + y) * f->width + x) * f->channels + c];
}

static int64_t strongest(const gr_filters *f, const double *numbers, int64_t k)
{
    double most = -1;
    int64_t channel = 0;
    for (int64_t c = 0; c < f->channels; c++) {
        double energy = 0;
        for (int64_t i = 0; i < f->height * f->width; i++) {
            double w = numbers[(k * f->height * f->width + i) * f->channels + c];
            energy += w * w;
        }
        if (energy > most) most = energy, channel = c;
    }
    return channel;
}

static uint8_t level(double w, double largest)
{
    return isfinite(w) && largest > 0 ? (uint8_t)lround(127.5 + 127.5 * fmax(-1, fmin(1, w / largest))) : 128;
}

static void draw_filter(const gr_filters *f, const double *numbers, int64_t k, int times, int left, int top,
                        gr_raster *r)
{
    tiling t = tiling_of(f);
    double largest = 0;
    int64_t first = f->channels == 3 ? 0 : strongest(f, numbers, k), size = f->height * f->width * f->channels;
    for (int64_t i = 0; i < size; i++)
        if (f->channels == 3 || i % f->channels == first) largest = fmax(largest, fabs(numbers[k * size + i]));
    for (int y = 0; y < t.height; y++)
        for (int x = 0; x < t.width; x++) {
            uint8_t v[3];
            for (int c = 0; c < 3; c++) v[c] = level(at(f, numbers, k, y, x, f->channels == 3 ? c : first), largest);
            gr__raster_fill(r, left + x * times, top + y * times, times, times, (gr_colour){v[0], v[1], v[2]});
        }
}

gr_status gr__filters_draw(const gr_filters *f, const double *numbers, int times, gr__bump *b, gr_raster *out)
{
    enum { GAP = 2 };
    tiling t = tiling_of(f);
    int width = t.width * times + GAP, height = t.height * times + GAP;
    gr_status st = gr__raster_make(b, t.columns * width - GAP, t.rows * height - GAP, out);
    if (st != GR_OK) return st;
    gr__raster_fill(out, 0, 0, out->width, out->height, ground);
    for (int k = 0; k < t.n; k++) draw_filter(f, numbers, k, times, k % t.columns * width, k / t.columns * height, out);
    return GR_OK;
}

/* ---- edges ---- */

enum { ANGLES = 8, WIDTHS = 3, WAVES = 5, CENTRES = 3, RANDOM = 256 };
enum { MOST_NUMBERS = 32 * 32 }; /* of a kernel, so that the bank stays small */
static const double widths[WIDTHS] = {0.35, 0.56, 0.8};

typedef struct bank {
    gr_context *ctx;
    int64_t size;  /* numbers of a channel */
    double *pairs; /* [n][2][size] */
    int64_t n, room;
} bank;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* What rounding leaves of numbers that are all alike is 0. */
static void remove_mean(double *v, int64_t n)
{
    double mean = 0, before = dot(v, v, n);
    for (int64_t i = 0; i < n; i++) mean += v[i] / (double)n;
    for (int64_t i = 0; i < n; i++) v[i] -= mean;
    if (dot(v, v, n) <= 1e-24 * before)
        for (int64_t i = 0; i < n; i++) v[i] = 0;
}

/* To length 1; what is next to nothing of what it was becomes 0 and counts for nothing. */
static void normalise(double *v, int64_t n, double was)
{
    double length = sqrt(dot(v, v, n));
    double factor = length > 1e-6 * was && length > 0 ? 1 / length : 0;
    for (int64_t i = 0; i < n; i++) v[i] *= factor;
}

static void add_pair(bank *b, const gr_filters *f, double angle, double wave, double width, double top, double left)
{
    double *even = b->pairs + 2 * b->n * b->size, *odd = even + b->size;
    for (int64_t y = 0; y < f->height; y++)
        for (int64_t x = 0; x < f->width; x++) {
            double dx = (double)x - left, dy = (double)y - top, u = dx * cos(angle) + dy * sin(angle),
                   envelope = exp(-(dx * dx + dy * dy) / (2 * width * width));
            even[y * f->width + x] = envelope * cos(2 * acos(-1) * u / wave);
            odd[y * f->width + x] = envelope * sin(2 * acos(-1) * u / wave);
        }
    double was = sqrt(dot(even, even, b->size)) + sqrt(dot(odd, odd, b->size));
    remove_mean(even, b->size);
    normalise(even, b->size, was);
    remove_mean(odd, b->size);
    double along = dot(odd, even, b->size);
    for (int64_t i = 0; i < b->size; i++) odd[i] -= along * even[i];
    normalise(odd, b->size, was);
    b->n++;
}

/* Centres lie half a pixel apart in small kernels, a sixth of the side in large ones. */
static gr_status make_bank(gr_context *ctx, const gr_filters *f, bank *b)
{
    double side = (double)GR_MAX(f->height, f->width), apart = fmax(side / 6, 0.5);
    *b = (bank){.ctx = ctx, .size = f->height * f->width, .room = (int64_t)ANGLES * WAVES * WIDTHS * CENTRES * CENTRES};
    b->pairs = gr__alloc(ctx, sizeof(double) * (size_t)(2 * b->room * b->size));
    if (!b->pairs) return GR_E_MEMORY;
    for (int a = 0; a < ANGLES; a++)
        for (int l = 0; l < WAVES; l++)
            for (int s = 0; s < WIDTHS; s++)
                for (int k = 0; k < CENTRES * CENTRES; k++) {
                    double wave = 2 * pow(side, (double)l / (WAVES - 1)); /* 2 to twice the kernel */
                    add_pair(b, f, acos(-1) * a / ANGLES, wave, widths[s] * wave,
                             (double)(f->height - 1) / 2 + (k / CENTRES - CENTRES / 2) * apart,
                             (double)(f->width - 1) / 2 + (k % CENTRES - CENTRES / 2) * apart);
                }
    return GR_OK;
}

/* w: channels, one after the other, each without its mean. NaN: all 0. */
static double share_of(const bank *b, const double *w, int64_t channels)
{
    double energy = dot(w, w, channels * b->size), most = 0;
    for (int64_t k = 0; k < b->n; k++) {
        double sum = 0;
        for (int64_t c = 0; c < channels; c++)
            for (int phase = 0; phase < 2; phase++) {
                double d = dot(w + c * b->size, b->pairs + (2 * k + phase) * b->size, b->size);
                sum += d * d;
            }
        most = fmax(most, sum);
    }
    return energy > 0 ? fmin(most / energy, 1) : (double)NAN;
}

enum { MOST_CHANNELS = 16 }; /* that are looked at, the first */

static double chance(const bank *b, int64_t channels, double *w)
{
    gr__rng r = gr__rng_make(1, "filters/chance", 0, 0);
    double sum = 0;
    for (int i = 0; i < RANDOM; i++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t k = 0; k < b->size; k++) w[c * b->size + k] = gr__rng_normal(&r);
            remove_mean(w + c * b->size, b->size);
        }
        sum += share_of(b, w, channels);
    }
    return sum / RANDOM;
}

static void judge(const bank *b, const gr_filters *f, const double *numbers, double *w, gr_edge_score *out)
{
    int64_t channels = GR_MIN(f->channels, MOST_CHANNELS), seen = 0, filters = GR_MIN(f->n, GR_FILTERS_MOST);
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < filters; i++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t k = 0; k < b->size; k++) w[c * b->size + k] = numbers[(i * b->size + k) * f->channels + c];
            remove_mean(w + c * b->size, b->size);
        }
        double share = share_of(b, w, channels);
        if (!isfinite(share)) continue;
        seen++;
        sum += share;
        squares += share * share;
    }
    double mean = sum / (double)seen, r = chance(b, channels, w);
    double variance = seen > 1 ? fmax(squares - sum * mean, 0) / (double)(seen - 1) : (double)NAN;
    *out = (gr_edge_score){mean, r, (mean - r) / (1 - r), sqrt(variance / (double)seen) / (1 - r)};
}

gr_status gr__filters_edges(gr_context *ctx, const gr_filters *f, const double *numbers, gr_edge_score *out)
{
    bank b;
    *out = (gr_edge_score){NAN, NAN, NAN, NAN};
    if (f->height < 3 || f->width < 3 || f->height * f->width > MOST_NUMBERS) return GR_OK;
    gr_status st = make_bank(ctx, f, &b);
    if (st != GR_OK) return st;
    size_t bytes = sizeof(double) * (size_t)(GR_MIN(f->channels, MOST_CHANNELS) * b.size);
    double *w = gr__alloc(ctx, bytes);
    if (w) judge(&b, f, numbers, w, out);
    st = w ? GR_OK : GR_E_MEMORY;
    gr__free(ctx, w, bytes);
    gr__free(ctx, b.pairs, sizeof(double) * (size_t)(2 * b.room * b.size));
    return st;
}
