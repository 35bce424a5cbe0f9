/* A part as arrays: the numbers that layers are given, batch by batch, put in the order of the source. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "data/array/npz_write.h"
#include "study/data/delivered.h"
#include "train/runner.h"

enum { HASH = 8, GRANULE = 64, MOST_ARRAYS = GR_MAX_FIELDS + 4 };

typedef struct writing {
    const gr_task *t;
    gr_context *ctx;
    gr__bump *b; /* names */
    gr__delivered d;
    bool mixed, training, wide; /* training: rows as balancing leaves them; wide: reals are double */
    int64_t n, list, copies;    /* n: list * copies */
    gr_store *store;
    gr__npz_array array[MOST_ARRAYS];
    int n_arrays;
    char *block;
    size_t bytes;
    char *input[GR_MAX_INPUTS], *target[GR_MAX_TARGETS], *weight, *length[GR_MAX_INPUTS];
    int64_t *index, *parents;
    double *step;
    uint32_t *hash;   /* a letter each */
    int32_t *partner; /* of the batch: whom samples are mixed with, a plan's feeds being gone once it has run */
    double share;
} writing;

/* ---- arrays ---- */

static gr_shape sample_of_target(const writing *w, int h)
{
    const gr_field *f = gr__set_target(w->d.o.set, h);
    gr_shape out = gr__network_output(w->t->network, h);
    bool shares = w->mixed && f->kind == GR_TARGET_CLASS && gr_shape_count(out) > 1;
    return shares ? out : f->sample;
}

/* Blends of classes are no classes. */
static bool is_class(const writing *w, int h)
{
    return !w->mixed && gr__set_target(w->d.o.set, h)->kind == GR_TARGET_CLASS;
}

static void *add_array(writing *w, const char *name, const char *type, gr_shape sample)
{
    gr__npz_array *a = &w->array[w->n_arrays++];
    size_t size = type[1] == 'U' ? 4 * HASH : (size_t)(type[2] - '0');
    *a = (gr__npz_array){.name = name, .type = type, .rank = sample.rank + 1, .dim = {w->n}};
    for (int i = 0; i < sample.rank; i++) a->dim[i + 1] = sample.dim[i];
    a->bytes = (uint64_t)w->n * (uint64_t)gr_shape_count(sample) * size;
    void *at = w->block ? w->block + w->bytes : NULL;
    a->data = at;
    w->bytes += ((size_t)a->bytes + GRANULE - 1) / GRANULE * GRANULE;
    return at;
}

static const char *called(writing *w, const char *what, bool several, const char *name)
{
    const char *all = several ? gr__bump_format(w->b, "%s.%s", what, name) : what;
    return all ? all : what;
}

/* Run twice: for the bytes, and once there is memory for them. */
static void add_arrays(writing *w)
{
    const gr_recipe *r = w->t->recipe;
    const gr_set *s = w->d.o.set;
    const char *real = w->wide ? "<f8" : "<f4";
    w->n_arrays = 0;
    w->bytes = 0;
    for (int k = 0; k < r->n_inputs; k++)
        w->input[k] = add_array(w, called(w, "inputs", r->n_inputs > 1, r->input[k].name),
                                r->input[k].vocabulary ? "<i4" : real, r->input[k].sample);
    for (int h = 0; h < r->n_heads; h++)
        w->target[h] = add_array(w, called(w, "targets", r->n_heads > 1, r->head[h].name),
                                 is_class(w, h) ? "<i4" : real, sample_of_target(w, h));
    if (s->weighted) w->weight = add_array(w, "weights", real, GR_SCALAR);
    for (int k = 0; k < r->n_inputs; k++)
        if (gr__set_length(s, k))
            w->length[k] = add_array(w, called(w, "lengths", r->n_inputs > 1, r->input[k].name), "<i4", GR_SCALAR);
    w->index = add_array(w, "index", "<i8", GR_SCALAR);
    w->parents = add_array(w, "parents", "<i8", GR_SHAPE(2));
    w->step = add_array(w, "step", "<f8", GR_SCALAR);
    w->hash = add_array(w, "hash", "<U8", GR_SCALAR);
}

static gr_status take_memory(writing *w)
{
    add_arrays(w);
    size_t bytes = w->bytes;
    w->block = gr__tensor_alloc(w->ctx, bytes);
    if (!w->block) return gr__error_code(w->ctx);
    add_arrays(w);
    return GR_OK;
}

/* ---- the graph of the inputs ---- */

typedef struct making {
    const gr_task *t;
    int64_t batch;
    bool mix;
} making;

static gr_status build(const making *m, gr_graph *g)
{
    gr_val taken[GR_MAX_INPUTS];
    char name[GR_FEED_TEXT];
    gr_status st = gr__network_build_inputs(m->t->network, g, m->batch, m->mix, taken);
    for (int k = 0; k < m->t->recipe->n_inputs && st == GR_OK; k++)
        gr_output(g, gr__output_of(m->t->recipe->input[k].name, "taken", name), taken[k]);
    return st == GR_OK ? gr_graph_status(g) : st;
}

static gr_status compile(writing *w, int64_t batch, gr_plan **out)
{
    const making m = {w->t, batch, w->mixed};
    const gr_plan_options o = {.backend = w->t->backend, .name = "inputs", .algorithm = w->t->recipe->algorithm};
    gr_graph *g = NULL;
    gr_plan *p = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(w->ctx, &g));
    GR_TRY(build(&m, g));
    GR_TRY(gr_plan_compile(w->ctx, g, w->store, &o, &p));
    GR_TRY(gr_plan_bind(p, NULL));
    *out = p;
    p = NULL;
done:
    gr_plan_destroy(p);
    gr_graph_destroy(g);
    return st;
}

/* ---- a sample ---- */

/* Among rows of the source in their order, copies of them, then made ones; what is several times one after the other.
 */
static int64_t place_of(const writing *w, int64_t entry)
{
    return entry % w->list * w->copies + entry / w->list;
}

static void put_origin(const writing *w, int64_t entry, uint32_t row, int64_t at)
{
    const gr_made *m = w->d.o.set->made;
    bool again = w->training && w->t->balanced && entry % w->list >= w->t->kept, made = m && row >= m->first;
    w->index[at] = again ? -1 : (int64_t)row;
    for (int k = 0; k < 2; k++)
        w->parents[2 * at + k] = made ? m->parent[row - m->first][k] : again ? (int64_t)row : -1;
    w->step[at] = made ? m->step[row - m->first] : 0;
}

static void put_hash(const writing *w, const gr_batch *b, int64_t i, int64_t at)
{
    char text[HASH + 1];
    snprintf(text, sizeof text, "%08x", gr__view_hash(&w->d.o, b, i));
    for (int k = 0; k < HASH; k++) w->hash[at * HASH + k] = (unsigned char)text[k];
}

static void put_real(const writing *w, char *to, int64_t at, double x)
{
    if (w->wide)
        ((double *)(void *)to)[at] = x;
    else
        ((float *)(void *)to)[at] = (float)x;
}

static double target_at(const writing *w, const gr_batch *b, int h, int64_t i, int64_t k, int64_t width)
{
    const gr_field *f = gr__set_target(w->d.o.set, h);
    const void *data = b->field[w->d.o.set->n_inputs + h];
    int64_t numbers = gr_shape_count(f->sample);
    if (f->kind != GR_TARGET_CLASS)
        return gr__targets_standard(&w->t->targets[h], k, gr__element_at(w->d.o.real, data, i * numbers + k));
    int64_t classes = width / numbers;
    int32_t label = ((const int32_t *)data)[i * numbers + k / classes];
    return classes > 1 ? label == k % classes : label;
}

static void put_target(const writing *w, const gr_batch *b, int h, int64_t i, int64_t at)
{
    int64_t width = gr_shape_count(sample_of_target(w, h));
    for (int64_t k = 0; k < width; k++) {
        double x = target_at(w, b, h, i, k, width);
        if (w->mixed) x = w->share * x + (1 - w->share) * target_at(w, b, h, w->partner[i], k, width);
        if (is_class(w, h))
            ((int32_t *)(void *)w->target[h])[at * width + k] = (int32_t)x;
        else
            put_real(w, w->target[h], at * width + k, x);
    }
}

static void put_inputs(const writing *w, const gr_plan *p, int64_t i, int64_t at)
{
    const gr_recipe *r = w->t->recipe;
    char name[GR_FEED_TEXT];
    for (int k = 0; k < r->n_inputs; k++) {
        const char *from = gr_plan_output(p, gr__output_of(r->input[k].name, "taken", name), NULL);
        size_t size = r->input[k].vocabulary || !w->wide ? 4 : 8;
        size_t sample = (size_t)gr_shape_count(r->input[k].sample) * size;
        memcpy(w->input[k] + (size_t)at * sample, from + (size_t)i * sample, sample);
    }
}

static void put_rest(const writing *w, const gr_batch *b, int64_t i, int64_t at)
{
    const gr_set *s = w->d.o.set;
    for (int k = 0; k < s->n_inputs; k++) {
        const int32_t *length = b->field[gr__length_place(s->n_inputs, s->n_targets, k)];
        if (w->length[k]) ((int32_t *)(void *)w->length[k])[at] = length[i];
    }
    if (s->weighted) put_real(w, w->weight, at, gr__element_at(w->d.o.real, b->field[s->n_inputs + s->n_targets], i));
}

/* ---- all of them ---- */

static gr_status put_batch(writing *w, gr_plan *p, const gr_batch *b, int64_t epoch)
{
    const gr_recipe *r = w->t->recipe;
    gr_feeds f = gr__feeds_find(w->t, p);
    gr__feeds_put(&f, b);
    gr__feeds_moment(&f, r->seed, epoch * gr__task_extent(w->t).updates_per_epoch + b->index / r->accumulate,
                     b->index % r->accumulate);
    if (w->mixed) memcpy(w->partner, f.partner, sizeof *w->partner * (size_t)b->n);
    if (w->mixed) w->share = *f.mix_share;
    gr_status st = gr_plan_run(p);
    for (int64_t i = 0; i < b->n && st == GR_OK; i++) {
        int64_t entry = gr__loader_entry(w->d.loader, b, i), at = place_of(w, entry);
        put_inputs(w, p, i, at);
        for (int h = 0; h < r->n_heads; h++) put_target(w, b, h, i, at);
        put_rest(w, b, i, at);
        put_origin(w, entry, b->row[i], at);
        put_hash(w, b, i, at);
    }
    return st;
}

static gr_status put_all(writing *w, int64_t epoch)
{
    gr_plan *plan[2] = {NULL, NULL}; /* of a full batch, and of the short last one */
    gr_status st = GR_OK;
    int64_t full = GR_MIN(w->d.o.batch, w->n), rest = w->n % full;
    w->partner = gr__bump_alloc(w->b, sizeof *w->partner * (size_t)full);
    if (!w->partner) return gr__error_code(w->ctx);
    GR_TRY(compile(w, full, &plan[0]));
    if (rest) GR_TRY(compile(w, rest, &plan[1]));
    gr__loader_seek(w->d.loader, epoch, 0);
    for (int64_t i = 0; i < w->n; i += w->d.batch.n) {
        GR_TRY(gr__loader_next(w->d.loader, &w->d.batch));
        GR_TRY(put_batch(w, plan[w->d.batch.n != full], &w->d.batch, epoch));
    }
done:
    for (int i = 0; i < 2; i++) gr_plan_destroy(plan[i]);
    return st;
}

static void choose_loader(writing *w, const gr_view_options *o)
{
    const gr_task *t = w->t;
    bool changed = o->changed && o->part == GR_PART_TRAIN;
    w->d.o = changed ? gr__task_training_loader(t, false) : gr__task_loader(t, o->part, false);
    w->mixed = changed && t->recipe->mixture.kind != GR_MIX_NONE;
    w->training = o->part == GR_PART_TRAIN;
    w->d.o.drop_last = false;
    w->copies = changed ? GR_MAX(w->d.o.copies, 1) : 1;
    w->n = w->d.o.rows->n;
    w->list = w->n / w->copies;
    w->d.o.buckets = NULL;
    if (w->mixed) return; /* whom a sample is mixed with depends on its batch */
    w->d.o.shuffle = GR_SHUFFLE_NONE;
    w->d.o.batch = gr__task_evaluation_batch(t);
}

gr_status gr__view_numbers(const gr_task *t, const gr_view_options *o, const char *path, int64_t *samples)
{
    writing w = {.t = t, .ctx = t->ctx, .wide = gr__task_real(t) == GR_EL_F64};
    gr_status st = gr__view_check(t, o);
    if (st != GR_OK) return st;
    choose_loader(&w, o);
    w.b = gr__bump_create(t->ctx);
    if (!w.b) return GR_E_MEMORY;
    GR_TRY(gr_store_create(t->ctx, t->backend, &w.store));
    GR_TRY(gr_store_seal(w.store));
    GR_TRY(gr__loader_create(t->ctx, &w.d.o, &w.d.loader));
    GR_TRY(take_memory(&w));
    GR_TRY(put_all(&w, o->epoch));
    st = gr__npz_write(t->ctx, path, w.array, w.n_arrays);
    *samples = w.n;
done:
    gr__delivered_close(t, &w.d);
    gr_store_destroy(w.store);
    gr__tensor_free(t->ctx, w.block, w.block ? w.bytes : 0);
    gr__bump_destroy(w.b);
    return st;
}
