/* Rows prepared, held or made anew for every pass. */
#include "study/baseline/features.h"

#include <string.h>

typedef struct gr_feature_worker {
    gr_context *errors; /* of its own: readers report there */
    gr__samples from[GR_MAX_INPUTS];
    double *block;
    bool failed;
} worker;

static int64_t width_of(const gr_recipe *r)
{
    int64_t n = 0;
    for (int i = 0; i < r->n_inputs; i++) n += gr_shape_count(r->input[i].sample);
    return n;
}

static int64_t apart_of(const gr_recipe *r)
{
    return (width_of(r) + 1 + GR__ROW_STEP - 1) / GR__ROW_STEP * GR__ROW_STEP;
}

static size_t held_bytes(int64_t n, int64_t apart)
{
    return (size_t)n * (size_t)apart * sizeof(double);
}

uint64_t gr__features_bytes(const gr_task *t, gr_part p)
{
    return held_bytes(t->count[p], apart_of(t->recipe));
}

static size_t block_bytes(const gr_features *f)
{
    return (size_t)(GR_FEATURE_ROWS * f->apart) * sizeof(double);
}

/* ---- a row ---- */

/* What lies beyond a length is 0, as the network has it. */
static bool put_input(const gr_features *f, worker *w, int input, int64_t row, double *x, int64_t width)
{
    const gr_task *t = f->task;
    int64_t at = row;
    const gr_field *of = gr__field_of(gr__set_input(f->set, input), &at);
    const void *sample = gr__samples_at(w->errors, &w->from[input], row);
    const gr_delivery d = {GR_EL_F64, t->meaning.prepared[input], t->meaning.n_prepared[input],
                           gr_shape_count(of->sample)};
    if (!sample) return false;
    gr__deliver(of, sample, &d, width, x);
    int64_t counts = gr__field_counts(gr__set_input(f->set, input), row, width);
    if (counts < width) memset(x + counts, 0, (size_t)(width - counts) * sizeof *x);
    return true;
}

static void put_rows(const gr_features *f, worker *w, int64_t first, int64_t n, double *x)
{
    const gr_recipe *r = f->task->recipe;
    for (int64_t i = 0; i < n && !w->failed; i++, x += f->apart) {
        double *to = x;
        for (int k = 0; k < r->n_inputs; k++) {
            int64_t width = gr_shape_count(r->input[k].sample);
            w->failed |= !put_input(f, w, k, f->rows->row[first + i], to, width);
            to += width;
        }
        *to++ = 1;
        memset(to, 0, (size_t)(x + f->apart - to) * sizeof *x);
    }
}

/* ---- passes ---- */

typedef struct walk {
    gr_features *f;
    void (*take)(void *user, const gr_feature_block *b);
    void *user;
} walk;

static void walk_shard(void *arg, int shard, int at)
{
    const walk *p = arg;
    const gr_features *f = p->f;
    worker *w = &f->worker[at];
    gr__fp_state saved = gr__fp_enter();
    int64_t end = f->n * (shard + 1) / f->shards;
    for (int64_t i = f->n * shard / f->shards; i < end && !w->failed; i += GR_FEATURE_ROWS) {
        gr_feature_block b = {f->held ? f->held + i * f->apart : w->block, i, GR_MIN(GR_FEATURE_ROWS, end - i), shard,
                              at};
        if (!f->held) put_rows(f, w, i, b.n, w->block);
        if (!w->failed) p->take(p->user, &b);
    }
    gr__fp_leave(saved);
}

gr_status gr__features_walk(gr_features *f, void (*take)(void *user, const gr_feature_block *b), void *user)
{
    gr__pool *pool = gr__context_pool(f->ctx);
    if (!pool) return gr__error_code(f->ctx);
    gr__pool_run(pool, walk_shard, &(walk){f, take, user}, f->shards);
    for (int i = 0; i < f->workers; i++)
        if (f->worker[i].failed) return gr__error_take(f->ctx, f->worker[i].errors);
    return GR_OK;
}

/* ---- opening ---- */

static void hold(void *user, const gr_feature_block *b)
{
    const gr_features *f = user;
    memcpy(f->held + b->first * f->apart, b->x, (size_t)(b->n * f->apart) * sizeof *b->x);
}

static gr_status open_workers(gr_features *f)
{
    gr__pool *pool = gr__context_pool(f->ctx);
    if (!pool) return gr__error_code(f->ctx);
    int n = gr__pool_threads(pool);
    f->worker = gr__alloc(f->ctx, sizeof *f->worker * (size_t)n);
    if (!f->worker) return GR_E_MEMORY;
    f->workers = n;
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        worker *w = &f->worker[i];
        st = gr_context_create(&(gr_context_options){.threads = 1}, &w->errors);
        for (int k = 0; k < f->set->n_inputs && st == GR_OK; k++)
            st = gr__samples_open(f->ctx, gr__set_input(f->set, k), &w->from[k]);
        if (st == GR_OK && !(w->block = gr__tensor_alloc(f->ctx, block_bytes(f)))) st = gr__error_code(f->ctx);
    }
    return st;
}

static gr_status take_weights(gr_features *f)
{
    const gr_field *w = gr__set_weight(f->set);
    f->weight = gr__tensor_alloc(f->ctx, sizeof *f->weight * (size_t)f->n);
    if (!f->weight) return gr__error_code(f->ctx);
    for (int64_t i = 0; i < f->n; i++) f->weight[i] = w ? gr__element_at(w->element, w->data, f->rows->row[i]) : 1;
    return GR_OK;
}

gr_status gr__features_open(const gr_task *t, gr_part p, uint64_t most, gr_features *out)
{
    uint64_t bytes = gr__features_bytes(t, p);
    gr_status st = GR_OK;
    *out = (gr_features){.ctx = t->ctx,
                         .task = t,
                         .set = t->set_of[p],
                         .rows = &t->rows[p],
                         .n = t->rows[p].n,
                         .width = width_of(t->recipe),
                         .apart = apart_of(t->recipe),
                         .shards = GR_FEATURE_SHARDS};
    GR_TRY(open_workers(out));
    GR_TRY(take_weights(out));
    if (bytes > most) goto done;
    double *held = gr__tensor_alloc(t->ctx, (size_t)bytes);
    if (!held) GR_TRY(gr__error_code(t->ctx));
    gr_features filling = *out;
    out->held = held;
    st = gr__features_walk(&filling, hold, out);
done:
    return st;
}

void gr__features_close(gr_features *f)
{
    for (int i = 0; i < f->workers; i++) {
        worker *w = &f->worker[i];
        for (int k = 0; k < f->set->n_inputs; k++) gr__samples_close(&w->from[k]);
        if (w->block) gr__tensor_free(f->ctx, w->block, block_bytes(f));
        gr_context_destroy(w->errors);
    }
    if (f->worker) gr__free(f->ctx, f->worker, sizeof *f->worker * (size_t)f->workers);
    if (f->held) gr__tensor_free(f->ctx, f->held, held_bytes(f->n, f->apart));
    if (f->weight) gr__tensor_free(f->ctx, f->weight, sizeof *f->weight * (size_t)f->n);
    *f = (gr_features){0};
}
