/* Calibration: the network runs on training samples with what its products read as outputs, whose least and largest
 * numbers give scale and zero. What that costs is judged by the same network with codes in the place of numbers. */
#include "exchange/quantize.h"

#include <math.h>
#include <string.h>

#include "plan/plan.h"
#include "plan/rebuild.h"
#include "train/train.h"

enum { MOST_PRODUCTS = 4096, MOST_JUDGED = 1000 };

typedef struct product {
    const char *weight, *output; /* its name, and that of what it multiplies */
    double low, high;            /* of that */
    bool shared;                 /* several products read the weight */
} product;

typedef struct quantizing {
    gr_context *ctx;
    gr__bump *b;
    const gr_model *m;
    const gr_export_options *o;
    gr_task task;
    bool wide;          /* the predictor's numbers are double */
    bool weights_alone; /* what they multiply stays as it is */
    product *product;
    int n;
    gr__csource_codes *codes;
    int n_codes;
} quantizing;

/* ---- ranges ---- */

static product *find(const quantizing *q, const char *weight)
{
    for (int i = 0; i < q->n; i++)
        if (strcmp(q->product[i].weight, weight) == 0) return &q->product[i];
    return NULL;
}

/* A weight that something else reads too stays as it is. */
static void mark_shared(quantizing *q, const gr_graph *g)
{
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        const gr_node *n = gr__node(g, k);
        const bool takes = gr__csource_takes_codes(g, n) != NULL;
        for (int i = 0; i < n->n_in; i++) {
            const gr_node *w = gr__producer(g, n->in[i]);
            product *p = w->op->code == GR_OP_PARAM && !(takes && i == 1) ? find(q, w->attr.name) : NULL;
            if (p) p->shared = true;
        }
    }
}

/* What products read becomes outputs; those that only the body of a loop has are not asked. */
static gr_status watch(void *user, gr_graph **g)
{
    quantizing *q = user;
    const uint32_t n_nodes = gr__graph_nodes(*g);
    bool *live = gr__bump_alloc(q->b, (gr__graph_values(*g) + 1) * sizeof *live);
    if (!live) return GR_E_MEMORY;
    gr__plan_mark_live(*g, live);
    for (uint32_t k = 0; k < n_nodes; k++) {
        const gr_node *n = gr__node(*g, k);
        const char *weight = live[n->out] ? gr__csource_takes_codes(*g, n) : NULL;
        product *p = weight ? find(q, weight) : NULL;
        if (p) p->shared = true;
        if (!weight || p || q->n == MOST_PRODUCTS) continue;
        p = &q->product[q->n++];
        *p = (product){gr__bump_strdup(q->b, weight), gr__bump_format(q->b, "codes/%s", weight), 0, 0, false};
        if (!p->weight || !p->output) return GR_E_MEMORY;
        gr_output(*g, p->output, n->in[0]);
    }
    mark_shared(q, *g);
    return gr_graph_status(*g);
}

/* 0 is always among them: padding, and what a rectifier leaves. */
static gr_status widen(const quantizing *q, const gr_predictor *r)
{
    for (int i = 0; i < q->n; i++) {
        gr_shape shape;
        product *p = &q->product[i];
        const void *x = gr__predictor_value(r, p->output, &shape);
        for (int64_t k = 0, n = gr_shape_count(shape); k < n; k++) {
            double v = q->wide ? ((const double *)x)[k] : (double)((const float *)x)[k];
            if (!isfinite(v))
                return gr__fail(q->ctx, GR_E_DATA, "what %s multiplies is not finite: it has no codes", p->weight);
            p->low = fmin(p->low, v);
            p->high = fmax(p->high, v);
        }
    }
    return GR_OK;
}

static void say(const quantizing *q, const char *what, int64_t done, int64_t all)
{
    if (q->o->say) q->o->say(q->o->user, what, done, all);
}

static gr_status find_ranges(quantizing *q, gr_predictor *r, int64_t samples)
{
    const gr_rows *rows = &q->task.rows[GR_PART_TRAIN];
    const double *values[GR_MAX_TARGETS];
    gr_status st = GR_OK;
    for (int64_t i = 0; i < samples && st == GR_OK; i++) {
        say(q, "calibrating", i, samples);
        st = gr__predictor_run(r, q->task.set_of[GR_PART_TRAIN], rows->row[i * rows->n / samples], 1, values);
        if (st == GR_OK) st = widen(q, r);
    }
    return st;
}

static gr_status make_codes(quantizing *q)
{
    q->codes = gr__bump_alloc(q->b, (size_t)(q->n + 1) * sizeof *q->codes);
    if (!q->codes) return GR_E_MEMORY;
    for (int i = 0; i < q->n; i++) {
        const product *p = &q->product[i];
        float scale = (float)((p->high - p->low) / 255);
        if (p->shared) continue;
        if (!(scale > 1e-30f)) scale = 1;
        q->codes[q->n_codes++] = (gr__csource_codes){p->weight, scale, (int)rint(-128 - p->low / (double)scale)};
    }
    return GR_OK;
}

/* ---- what codes cost ---- */

static const gr__csource_codes *codes_of(const quantizing *q, const gr_graph *g, const gr_node *n)
{
    const char *weight = gr__csource_takes_codes(g, n);
    for (int i = 0; weight && i < q->n_codes; i++)
        if (strcmp(q->codes[i].weight, weight) == 0) return &q->codes[i];
    return NULL;
}

static gr_val rounded(gr_graph *g, gr_val x)
{
    return gr_floor(g, gr_add(g, x, gr_const(g, 0.5)));
}

static gr_val coded(gr_graph *g, gr_val x, const gr__csource_codes *c)
{
    gr_val code = rounded(g, gr_mul(g, x, gr_const(g, (double)(1 / c->scale))));
    code = gr_min(g, gr_max(g, code, gr_const(g, -128 - c->zero)), gr_const(g, 127 - c->zero));
    return gr_mul(g, code, gr_const(g, (double)c->scale));
}

static gr_val coded_weight(gr_graph *g, gr_val w)
{
    static const int axes[GR_MAX_RANK - 1] = {1, 2, 3, 4, 5};
    gr_val most = gr_reduce_max(g, gr_abs(g, w), axes, gr_shape_of(g, w).rank - 1, true);
    gr_val scale = gr_mul(g, most, gr_const(g, 1.0 / 127));
    scale = gr_select(g, gr_equal(g, scale, gr_const(g, 0)), gr_const(g, 1), scale);
    return gr_mul(g, rounded(g, gr_div(g, w, scale)), scale);
}

static void with_codes(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    const gr__csource_codes *c = codes_of(r->user, r->from, n);
    gr_val operands[2];
    if (c) {
        operands[0] = ((const quantizing *)r->user)->weights_alone ? in[0] : coded(r->to, in[0], c);
        operands[1] = coded_weight(r->to, in[1]);
    }
    gr__rebuilt(r, n, gr__node_copy(r->to, r->from, n, c ? operands : in), out);
}

static gr_status simulate(void *user, gr_graph **g)
{
    gr_graph *to = NULL;
    const quantizing *q = user;
    gr_status st = gr__rebuild_graph(q->ctx, *g, with_codes, q, &to);
    if (st != GR_OK) return st;
    gr_graph_destroy(*g);
    *g = to;
    return GR_OK;
}

/* Of steps that do not all count nothing is told. */
static bool judges(const quantizing *q)
{
    for (int i = 0; i < q->m->recipe->n_inputs; i++)
        if (q->task.lengths[i]) return false;
    return true;
}

static gr_status judge(const quantizing *q, gr_predictor *r, const char *what, gr_part part, int64_t samples,
                       double *error)
{
    const gr_head *h = &q->m->recipe->head[0];
    const gr_set *set = q->task.set_of[part];
    const gr_field *y = gr__set_target(set, 0);
    const gr_rows *rows = &q->task.rows[part];
    int64_t count = gr_shape_count(y->sample);
    bool classes = h->reading.target == GR_FORM_CLASS;
    gr_element as = classes ? GR_EL_I32 : GR_EL_F64;
    const gr_tally_spec is = {.form = h->reading.target,
                              .outputs = gr__predictor_width(r, 0),
                              .classes = h->output.dim[h->output.rank - 1],
                              .wide = true,
                              .targets = q->task.targets};
    gr_tally tally;
    const double *values[GR_MAX_TARGETS];
    void *target = gr__alloc(q->ctx, (size_t)count * sizeof(double));
    gr_status st = target ? gr__tally_begin(q->ctx, &is, &tally) : GR_E_MEMORY;
    bool begun = st == GR_OK;
    for (int64_t i = 0; i < samples && st == GR_OK; i++) {
        int64_t row = rows->row[i * rows->n / samples];
        say(q, what, i, samples);
        st = gr__predictor_run(r, set, row, 1, values);
        const gr_field *f = gr__field_of(y, &row);
        const char *from = (const char *)f->data + (size_t)(row * count) * gr__element_bytes(f->element);
        gr__elements_convert(f->element, as, from, target, count);
        if (st == GR_OK) gr__tally_add(&tally, 1, target, values[0]);
    }
    if (begun) gr__tally_finish(&tally);
    if (begun) *error = gr__tally_error(&tally);
    if (begun) gr__tally_end(&tally);
    gr__free(q->ctx, target, (size_t)count * sizeof(double));
    return st;
}

/* ---- both ---- */

static gr_status run(quantizing *q, gr_int8 *told)
{
    gr_status st = GR_OK;
    const int64_t samples = q->o->calibrate ? q->o->calibrate : 256;
    gr_predictor *before = NULL, *after = NULL;
    const gr_set *like = q->task.set_of[GR_PART_TRAIN];
    gr_part part = q->task.set_of[GR_PART_VALIDATION] ? GR_PART_VALIDATION : GR_PART_TRAIN;
    told->samples = q->weights_alone ? 0 : GR_MIN(samples, q->task.rows[GR_PART_TRAIN].n);
    told->judged = judges(q) ? GR_MIN(MOST_JUDGED, q->task.rows[part].n) : 0;
    GR_TRY(gr__predictor_make_changed(q->ctx, q->m, like, 1, watch, q, &before));
    GR_TRY(find_ranges(q, before, told->samples));
    GR_TRY(make_codes(q));
    told->products = q->n_codes;
    if (told->judged == 0) goto done;
    GR_TRY(gr__predictor_make_changed(q->ctx, q->m, like, 1, simulate, q, &after));
    GR_TRY(judge(q, before, "predicting by floats", part, told->judged, &told->before));
    st = judge(q, after, "predicting by codes", part, told->judged, &told->after);
done:
    gr__predictor_destroy(before);
    gr__predictor_destroy(after);
    return st;
}

gr_status gr__quantize(gr_context *ctx, gr__bump *b, const gr_model *m, const gr_export_options *o, bool weights_alone,
                       gr__csource_codes **codes, int *n_codes, gr_int8 *told)
{
    quantizing q = {.ctx = ctx, .b = b, .m = m, .o = o, .weights_alone = weights_alone};
    gr_status st = GR_OK;
    *told = (gr_int8){.samples = 0};
    q.wide = gr_backend_real_bytes(gr_backend_get(m->recipe->device)) == 8;
    q.product = gr__bump_alloc(b, MOST_PRODUCTS * sizeof *q.product);
    if (!q.product) return GR_E_MEMORY;
    GR_TRY(gr__task_open(ctx, m->recipe, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, m, &q.task));
    GR_TRY(run(&q, told));
    *codes = q.codes;
    *n_codes = q.n_codes;
done:
    gr__task_close(&q.task);
    return st;
}
