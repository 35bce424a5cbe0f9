/* To grey: red, green and blue to what the eye sees of them. */
#include "data/prepare/prepare.h"
#include "graph/shape.h"

enum { FROM };
static const double weight[3] = {0.299, 0.587, 0.114}; /* ITU-R BT.601 */

static bool is_coloured(gr_shape s)
{
    return s.rank == 3 && s.dim[2] == 3;
}

static void take_shapes(gr_prepared *p, gr_shape from)
{
    p->takes = from;
    p->gives = GR_SHAPE(from.dim[0], from.dim[1], 1);
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    char shape[96];
    if (!is_coloured(f->sample))
        return gr__fail(f->ctx, GR_E_DATA, "to_grey takes pictures [height, width, 3], but samples are %s",
                        gr__shape_text(f->sample, shape));
    if (!gr__step_lists(f, out, 1, 3)) return gr__error_code(f->ctx);
    for (int i = 0; i < 3; i++) out->state[FROM][i] = (double)f->sample.dim[i];
    take_shapes(out, f->sample);
    return GR_OK;
}

static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    int64_t batch = gr_shape_of(g, x).dim[0], pixels = p->takes.dim[0] * p->takes.dim[1];
    x = gr_reshape(g, x, GR_SHAPE(batch * pixels, 3));
    x = gr_matmul(g, x, gr_const_tensor(g, GR_SHAPE(3, 1), weight), false, false);
    return gr_reshape(g, x, GR_SHAPE(batch, p->gives.dim[0], p->gives.dim[1], 1));
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    double rgb[GR_PIECE / 3 * 3];
    (void)p;
    for (int64_t done = 0, n; done < count; done += n) {
        n = GR_MIN(count - done, GR_PIECE / 3);
        gr__prepare_read(in, 3 * (first + done), rgb, 3 * n);
        for (int64_t i = 0; i < n; i++) {
            double sum = 0;
            for (int c = 0; c < 3; c++) sum += rgb[3 * i + c] * weight[c];
            x[done + i] = sum;
        }
    }
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    gr_shape from;
    (void)b;
    if (!gr__step_shape(p, FROM, &from) || !is_coloured(from))
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation makes grey of no pictures of three channels");
    take_shapes(p, from);
    return GR_OK;
}

GR_PREPARE(to_grey) = {
    .head = {.family = "prepare",
             .name = "to_grey",
             .title = "Colours to grey",
             .cite = "ITU-R BT.601",
             .equations = "y = 0.299 red + 0.587 green + 0.114 blue;  [height, width, 3] -> [height, width, 1]"},
    .reshapes = true,
    .state = {"from"},
    .fit = fit,
    .build = build,
    .values = values,
    .settle = settle,
};
