/* Log: amounts that span powers of ten come near one another. What lies below all training values is taken for the
 * least of them, so that no later sample is outside the logarithm's domain. */
#include <math.h>

#include "base/text.h"
#include "data/prepare/prepare.h"

enum { OFFSET, LEAST, FOR };

static gr_status refuse(const gr__fitting *f, int n, int i, double least, double offset)
{
    char called[128], a[32], b[32];
    gr_status st = gr__fail(f->ctx, GR_E_DATA, "log: %s has the training value %s, which %s does not bring above 0",
                            gr__fitting_called(f, n, i, called, sizeof called), gr__double_text(least, a),
                            offset == 0 ? "no offset" : gr__double_text(offset, b));
    gr__error_hint(f->ctx, "offset: more than %s, or other columns", gr__double_text(-least, a));
    return st;
}

static gr_status measure(const gr__fitting *f, int n, const bool *mask, double offset, double *least)
{
    gr_status st = gr__fitting_divides(f, n);
    gr__extent *e = st == GR_OK ? gr__alloc(f->ctx, (size_t)n * sizeof *e) : NULL;
    if (!e) return st == GR_OK ? GR_E_MEMORY : st;
    st = gr__fitting_extents(f, n, e);
    for (int i = 0; i < n && st == GR_OK; i++) {
        least[i] = e[i].n ? e[i].least + offset : 1;
        if ((!mask || mask[i]) && !(least[i] > 0)) st = refuse(f, n, i, e[i].least, offset);
    }
    gr__free(f->ctx, e, (size_t)n * sizeof *e);
    return st;
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    const bool *mask;
    double offset = gr__setting_real(f->s, "offset");
    gr_status st = gr__fitting_mask(f, false, &mask);
    if (st != GR_OK) return st;
    int n = (int)gr__fitting_channels(f);
    if (!gr__step_lists(f, out, mask ? FOR + 1 : LEAST + 1, n)) return gr__error_code(f->ctx);
    for (int i = 0; i < n; i++) {
        out->state[OFFSET][i] = offset;
        out->state[LEAST][i] = 0.3 + 1e-3 * i;
        if (mask) out->state[FOR][i] = mask[i];
    }
    if (f->train) st = measure(f, n, mask, offset, out->state[LEAST]);
    for (int i = 0; i < n && mask && st == GR_OK; i++)
        if (!mask[i]) out->state[LEAST][i] = 1;
    return st;
}

static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    gr_val y = gr_add(g, x, gr__step_list(g, x, p, OFFSET)), least = gr__step_spread(g, x, p, LEAST);
    y = gr_log(g, gr_select(g, gr_less(g, y, least), least, y));
    return gr__step_only(g, x, y, p, FOR);
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    int n = p->n[OFFSET];
    const double *only = p->state[FOR];
    gr__prepare_read(in, first, x, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = n == 1 ? 0 : (first + i) % n;
        double y = x[i] + p->state[OFFSET][k];
        if (only && only[k] == 0) continue;
        x[i] = log(y < p->state[LEAST][k] ? p->state[LEAST][k] : y);
    }
}

static int64_t undo(const gr_prepared *p, double *x, int64_t count)
{
    const double *only = p->state[FOR];
    for (int64_t e = 0; e < count; e++) {
        int64_t k = p->n[OFFSET] == 1 ? 0 : e % p->n[OFFSET];
        if (!only || only[k] != 0) x[e] = exp(x[e]) - p->state[OFFSET][k];
    }
    return count;
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    bool whole = p->state[OFFSET] && p->state[LEAST];
    (void)b;
    for (int i = 0; whole && i < p->n[LEAST]; i++) whole = p->state[LEAST][i] > 0;
    return whole ? GR_OK
                 : gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation's log has no offset, or a least below 0");
}

static const gr_row rows[] = {
    {.name = "offset",
     .kind = GR_ROW_REAL,
     .value = "1",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what is added first: 1 for amounts from 0 on (log1p), 0 for amounts above 0"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(log) = {
    .head = {.family = "prepare",
             .name = "log",
             .title = "The natural logarithm",
             .cite = "",
             .equations = "y = log(max(x + offset, least)), least that of the training rows, which must be above 0",
             GR_ROWS(rows)},
    .state = {"offset", "least", "for"},
    .fit = fit,
    .build = build,
    .values = values,
    .undo = undo,
    .settle = settle,
};
