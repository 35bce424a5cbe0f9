/* Resize: pictures to another size, antialiased bilinear, as two contractions: rows, then columns.
 *
 * The filter is a triangle as wide as an output pixel where that is wider than an input pixel, cut at the border and
 * then of sum 1: what Pillow does for BILINEAR, but for its rounding to whole numbers after each of its passes. */
#include <math.h>

#include "data/prepare/prepare.h"
#include "graph/shape.h"

enum { FROM, TO };
enum { ROOM = 1024, MOST_CHANNELS = 256, MOST_PIXELS = 8192 /* a side */ };

/* One axis: output i is the sum of weight[i * all + j] * input j over start[i] <= j < end[i]. */
typedef struct axis {
    int64_t all, out;
    int64_t *start, *end;
    double *weight; /* out x all */
} axis;

typedef struct own {
    axis y, x;
    int64_t channels;
} own;

static void weigh(axis *a, int64_t i)
{
    double scale = (double)a->all / (double)a->out, wide = fmax(scale, 1), centre = ((double)i + 0.5) * scale, sum = 0;
    double *w = a->weight + i * a->all;
    a->start[i] = GR_MAX((int64_t)(centre - wide + 0.5), 0);
    a->end[i] = GR_MIN((int64_t)(centre + wide + 0.5), a->all);
    for (int64_t j = a->start[i]; j < a->end[i]; j++) {
        w[j] = fmax(1 - fabs(((double)j - centre + 0.5) / wide), 0);
        sum += w[j];
    }
    for (int64_t j = a->start[i]; j < a->end[i]; j++) w[j] /= sum;
}

static bool make_axis(gr__bump *b, int64_t all, int64_t out, axis *a)
{
    *a = (axis){.all = all, .out = out};
    a->start = gr__bump_alloc(b, (size_t)out * 2 * sizeof *a->start);
    a->weight = gr__bump_alloc(b, (size_t)out * (size_t)all * sizeof *a->weight);
    if (!a->start || !a->weight) return false;
    a->end = a->start + out;
    for (int64_t i = 0; i < out; i++) weigh(a, i);
    return true;
}

static gr_status take_shapes(gr_context *ctx, gr__bump *b, gr_shape from, int64_t height, int64_t width, gr_prepared *p)
{
    own *o = gr__bump_alloc(b, sizeof *o);
    if (!o || !make_axis(b, from.dim[0], height, &o->y) || !make_axis(b, from.dim[1], width, &o->x))
        return gr__error_code(ctx);
    o->channels = from.dim[2];
    p->own = o;
    p->takes = from;
    p->gives = GR_SHAPE(height, width, from.dim[2]);
    return GR_OK;
}

static bool is_picture(gr_shape s)
{
    return s.rank == 3 && s.dim[0] <= MOST_PIXELS && s.dim[1] <= MOST_PIXELS && s.dim[2] <= MOST_CHANNELS;
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    gr_shape from = f->sample;
    int64_t to[2];
    char shape[96];
    if (from.rank == 2) from = GR_SHAPE(from.dim[0], from.dim[1], 1);
    if (!is_picture(from))
        return gr__fail(f->ctx, GR_E_DATA,
                        "resize takes pictures [height, width, channels] of at most %d pixels a side and %d "
                        "channels, but samples are %s",
                        MOST_PIXELS, MOST_CHANNELS, gr__shape_text(f->sample, shape));
    if (!gr__setting_axes(f->ctx, f->s, "size", to, 2)) return gr__error_code(f->ctx);
    if (!gr__step_lists(f, out, 2, 3)) return gr__error_code(f->ctx);
    out->n[TO] = 2;
    for (int i = 0; i < 3; i++) out->state[FROM][i] = (double)from.dim[i];
    for (int i = 0; i < 2; i++) out->state[TO][i] = (double)to[i];
    return take_shapes(f->ctx, f->b, from, to[0], to[1], out);
}

static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    const own *o = p->own;
    int64_t batch = gr_shape_of(g, x).dim[0], c = o->channels;
    gr_val rows = gr_const_tensor(g, GR_SHAPE(o->y.out, o->y.all), o->y.weight),
           columns = gr_const_tensor(g, GR_SHAPE(o->x.out, o->x.all), o->x.weight);
    x = gr_reshape(g, x, GR_SHAPE(batch, o->y.all, o->x.all * c));
    x = gr_reshape(g, gr_matmul(g, rows, x, false, false), GR_SHAPE(batch * o->y.out, o->x.all, c));
    return gr_reshape(g, gr_matmul(g, columns, x, false, false), GR_SHAPE(batch, o->y.out, o->x.out, c));
}

/* ---- on numbers: blocks of a few output pixels of one row ---- */

/* Columns from .. to of the input, contracted to output row i. */
static void contract_rows(const own *o, const gr__before *in, int64_t i, int64_t from, int64_t to, double *sum)
{
    double row[ROOM];
    int64_t n = (to - from) * o->channels;
    for (int64_t k = 0; k < n; k++) sum[k] = 0;
    for (int64_t j = o->y.start[i]; j < o->y.end[i]; j++) {
        double w = o->y.weight[i * o->y.all + j];
        gr__prepare_read(in, (j * o->x.all + from) * o->channels, row, n);
        for (int64_t k = 0; k < n; k++) sum[k] += w * row[k];
    }
}

/* Numbers e .. e + n of output row i, whose input columns are from .. to; a part of those at once. */
static void contract_columns(const own *o, const gr__before *in, int64_t i, int64_t e, int64_t n, double *x)
{
    const axis *a = &o->x;
    int64_t c = o->channels, from = a->start[e / c], to = a->end[(e + n - 1) / c], step = ROOM / c;
    double rows[ROOM];
    for (int64_t k = 0; k < n; k++) x[k] = 0;
    for (int64_t s = from; s < to; s += step) {
        int64_t end = GR_MIN(s + step, to);
        contract_rows(o, in, i, s, end, rows);
        for (int64_t k = 0; k < n; k++) {
            int64_t column = (e + k) / c, channel = (e + k) % c;
            for (int64_t j = GR_MAX(s, a->start[column]); j < GR_MIN(end, a->end[column]); j++)
                x[k] += a->weight[column * a->all + j] * rows[(j - s) * c + channel];
        }
    }
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    const own *o = p->own;
    int64_t c = o->channels, line = o->x.out * c;
    for (int64_t done = 0, n; done < count; done += n) {
        int64_t e = (first + done) % line, left = GR_MIN(line - e, count - done), begin = o->x.start[e / c];
        n = GR_MIN(left, c - e % c);
        while (n < left && (o->x.end[(e + n) / c] - begin) * c <= ROOM) n = GR_MIN(n + c, left);
        contract_columns(o, in, (first + done) / line, e, n, x + done);
    }
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    gr_shape from, to;
    bool fine = gr__step_shape(p, FROM, &from) && is_picture(from) && gr__step_shape(p, TO, &to) && to.rank == 2;
    if (!fine || !is_picture(GR_SHAPE(to.dim[0], to.dim[1], 1)))
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation resizes from or to what is no size");
    return take_shapes(ctx, b, from, to.dim[0], to.dim[1], p);
}

static const gr_row rows[] = {
    {.name = "size",
     .kind = GR_ROW_AXES,
     .range = "[1,8192]",
     .unit = "pixels",
     .help = "the new height and width, or one number for both"},
};

GR_PREPARE(resize) = {
    .head = {.family = "prepare",
             .name = "resize",
             .title = "Pictures to another size",
             .cite = "Pillow, Image.resize with BILINEAR",
             .equations = "y = A x B', antialiased bilinear: a triangle as wide as the larger of the two pixels\n"
                          "[height, width, channels] -> [size, channels]; within the graph",
             GR_ROWS(rows)},
    .reshapes = true,
    .state = {"from", "to"},
    .fit = fit,
    .build = build,
    .values = values,
    .settle = settle,
};
