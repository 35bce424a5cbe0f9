/* A task: the recipe's data loaded, split, limited and prepared, and the network checked against it. */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "graph/shape.h"
#include "model/model.h"
#include "train/agree.h"
#include "train/origin.h"

/* Below these a batch is gathered by the training thread: waking another costs more than what it hides, and where every
 * processor has a worker already, a third thread competes with them: 784 floats, batch 64, two threads of two
 * processors, alternating: 204 us a step without it, 215 with. */
enum { SMALL_BATCH_BYTES = 128 << 10, BUSY_BATCH_BYTES = 1 << 20 };

const char *gr__part_name(gr_part p)
{
    static const char *const names[GR_PARTS] = {"train", "validation", "test"};
    return names[p];
}

/* prepared: what the source gives will be prepared. */
static gr_source_options source_options(const gr_recipe *r, const gr_wanted *wanted, bool prepared)
{
    return (gr_source_options){.folder = r->folder,
                               .keep_float64 = r->float64,
                               .exact = prepared,
                               .seed = r->seed,
                               .wanted = wanted,
                               .want = r->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE};
}

static const gr_tree *source_of(const gr_recipe *r, gr_part p)
{
    const gr_tree *const trees[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    return trees[p];
}

/* ---- rows ---- */

static gr_status all_rows(gr_context *ctx, int64_t n, gr_rows *out)
{
    uint32_t *row = gr__alloc(ctx, sizeof *row * (size_t)n);
    if (!row) return GR_E_MEMORY;
    for (int64_t i = 0; i < n; i++) row[i] = (uint32_t)i;
    *out = (gr_rows){row, n};
    return GR_OK;
}

/* Training rows, and those cut from them for validation and test. Training takes what rounding leaves. */
static gr_status split_rows(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    const gr_set *s = &t->set[GR_PART_TRAIN];
    gr_rows parts[GR_PARTS] = {{0}};
    gr_part of[GR_PARTS] = {GR_PART_TRAIN};
    double fractions[GR_PARTS] = {1 - r->data.split_validation - r->data.split_test};
    int n = 1;
    if (r->data.split_validation > 0) of[n] = GR_PART_VALIDATION, fractions[n++] = r->data.split_validation;
    if (r->data.split_test > 0) of[n] = GR_PART_TEST, fractions[n++] = r->data.split_test;
    if (n == 1) return all_rows(t->ctx, s->n, &t->rows[GR_PART_TRAIN]);
    bool classes = r->data.stratify && s->target == GR_TARGET_CLASS && s->target_sample.rank == 0;
    gr_status st =
        gr__split(t->ctx, r->seed, s->n, classes ? s->targets : NULL, classes ? s->classes : 0, fractions, n, parts);
    for (int i = 0; i < n && st == GR_OK; i++) {
        t->rows[of[i]] = parts[i];
        t->set_of[of[i]] = s;
    }
    return st;
}

static gr_status take_rows(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_status st = GR_OK;
    if (t->set_of[GR_PART_TRAIN]) GR_TRY(split_rows(t));
    for (int p = GR_PART_VALIDATION; p < GR_PARTS; p++)
        if (t->set_of[p] == &t->set[p]) GR_TRY(all_rows(t->ctx, t->set[p].n, &t->rows[p]));
    if (t->rows[GR_PART_TRAIN].row && r->data.limit_train > 0 && r->data.limit_train < t->rows[GR_PART_TRAIN].n)
        GR_TRY(gr__rows_limit(t->ctx, r->seed, &t->rows[GR_PART_TRAIN], r->data.limit_train));
    for (int p = 0; p < GR_PARTS; p++) {
        t->count[p] = t->rows[p].n;
        if (t->set_of[p] && t->count[p] == 0)
            GR_TRY(gr__tree_fail(t->ctx, gr__agree_place(r, p), GR_E_DATA, NULL, "the %s part has no samples",
                                 gr__part_name(p)));
    }
done:
    return st;
}

/* ---- opening ---- */

static gr_element real_of(const gr_task *t)
{
    return gr_backend_real_bytes(t->backend) == 8 ? GR_EL_F64 : GR_EL_F32;
}

static bool is_prepared(const gr_recipe *r)
{
    return !gr__tree_none(r->data.prepare) && (r->data.prepare->kind != GR_TREE_LIST || r->data.prepare->n > 0);
}

/* The network, once it is known what the first set holds and how it is prepared: by the loader, or by the graph. */
static gr_status make_network(gr_task *t, gr_element source)
{
    gr_status st =
        gr__delivery_of(t->ctx, source, real_of(t), t->prepared, t->n_prepared, t->recipe->input, &t->delivery);
    if (st != GR_OK) return st;
    t->input_as = t->delivery.as;
    t->target_as = t->recipe->reading.target == GR_FORM_CLASS ? GR_EL_I32 : real_of(t);
    /* Labels are checked against the outputs as data (exit 3); the network sees only itself. */
    return gr__network_make(t->ctx, t->recipe, t->prepared, gr__delivery_left(&t->delivery, t->n_prepared), t->input_as,
                            0, t->targets, &t->network);
}

static gr_status begin(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    *t = (gr_task){
        .ctx = ctx, .recipe = r, .backend = gr_backend_get(r->device), .metrics = r->metrics, .resolved = r->resolved};
    t->memory = gr__bump_create(ctx);
    t->targets = t->memory ? gr__bump_alloc(t->memory, sizeof *t->targets) : NULL;
    return t->targets ? GR_OK : GR_E_MEMORY;
}

static bool part_has_source(const gr_recipe *r, gr_part p, unsigned only, bool fit)
{
    if (!source_of(r, p)) return false;
    bool cut = (r->data.split_validation > 0 && only & 1u << GR_PART_VALIDATION) ||
               (r->data.split_test > 0 && only & 1u << GR_PART_TEST);
    return only & 1u << p || (p == GR_PART_TRAIN && (fit || cut));
}

static gr_status load_parts(gr_task *t, unsigned only, const gr_origin *origin, bool fit)
{
    const gr_recipe *r = t->recipe;
    const gr_wanted wanted = gr__agree_wanted(r);
    bool learned = !fit; /* what comes first is the training's own, and says how all else is read */
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) {
        if (!part_has_source(r, p, only, fit)) continue;
        gr_set *s = &t->set[p];
        gr_source_options o =
            source_options(r, &wanted, t->n_prepared || is_prepared(r) || t->set[GR_PART_TRAIN].missing);
        /* What the training's words and columns mean holds for all other data. */
        t->schema.class_names = t->class_names, t->schema.n_class_names = t->class_names ? t->classes : 0;
        o.own_classes = p == GR_PART_TRAIN && gr__origin_prepares(origin); /* held against the model's below */
        o.schema = learned || t->class_names || o.own_classes ? &t->schema : NULL;
        GR_TRY(gr__set_load(t->ctx, source_of(r, p), &o, s));
        t->set_of[p] = s;
        t->data_bytes += s->inputs_bytes + s->targets_bytes;
        GR_TRY(gr__agree_shapes(t->ctx, r, p, s->sample, s->target, s->target_sample));
        if (origin && p == GR_PART_TRAIN) GR_TRY(gr__origin_settle(origin, t, s));
        GR_TRY(gr__agree_values(t->ctx, r, p, s)); /* before rows are split by labels: they are few enough now */
        if (!t->class_names) t->classes = GR_MAX(t->classes, s->classes), t->class_names = s->class_names;
        if (!learned && s->schema) t->schema = *s->schema;
        learned = true;
        if (!t->lead) t->lead = s, t->target_sample = s->target_sample;
    }
done:
    return st;
}

/* What the numbers are in their file: int64 is held in a type of fewer kinds. */
static const char *own_element(const gr_set *s)
{
    return s->file_element ? s->file_element : gr__element_name(s->element);
}

/* All parts come to the network in the same way, whether they are loaded together or alone. */
static gr_status check_elements(gr_task *t)
{
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        const gr_set *s = &t->set[p];
        if (!s->inputs || gr__delivered_alike(s->element, t->lead->element, t->n_prepared)) continue;
        st = gr__tree_fail(t->ctx, source_of(t->recipe, p), GR_E_DATA, NULL,
                           "the %s data (%s) has another element type than the training data (%s), and would be "
                           "prepared otherwise",
                           gr__part_name(p), own_element(s), own_element(t->lead));
        gr__error_hint(t->ctx, "store both alike: in NumPy x.astype(\"%s\"), for either of them", own_element(t->lead));
    }
    return st;
}

/* What is worth knowing before training. */
static gr_status say(const gr_task *t)
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    int classes = t->class_names ? t->classes : 0;
    for (int p = 0; p < GR_PARTS; p++) classes = GR_MAX(classes, t->set[p].classes);
    gr__agree_say_input(t->ctx, t->recipe, s->sample, s->element);
    gr__agree_say_outputs(t->ctx, t->recipe, classes);
    return gr__agree_say_classes(t);
}

static gr_status open_task(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model,
                           const gr_origin *origin, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    if (model) { /* all borrowed, never written */
        t->class_names = model->class_names, t->classes = model->n_class_names;
        t->schema = model->schema;
        t->prepared = model->prepared, t->n_prepared = model->n_prepared;
    }
    if (gr__origin_prepares(origin)) {
        t->schema = *origin->schema;
        t->prepared = origin->prepared, t->n_prepared = origin->n_prepared;
    }
    GR_TRY(load_parts(t, only, origin, model == NULL));
    GR_TRY(take_rows(t));
    if (!model && !gr__origin_prepares(origin)) {
        GR_TRY(gr__prepare_fit(ctx, t->memory, r->data.prepare, &t->set[GR_PART_TRAIN], &t->rows[GR_PART_TRAIN],
                               r->input, &t->prepared, &t->n_prepared));
    }
    GR_TRY(check_elements(t));
    GR_TRY(make_network(t, t->lead->element));
    if (model)
        *t->targets = model->targets;
    else
        GR_TRY(gr__targets_take(t->memory, &t->set[GR_PART_TRAIN], &t->rows[GR_PART_TRAIN], gr__agree_classes(r),
                                t->targets));
    if (!model) GR_TRY(say(t));
    t->loaded = true;
done:
    if (st != GR_OK) gr__task_close(t);
    return st;
}

gr_status gr__task_open(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model, gr_task *t)
{
    return open_task(ctx, r, only, model, NULL, t);
}

gr_status gr__task_open_from(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_origin *origin, gr_task *t)
{
    return open_task(ctx, r, only, NULL, origin, t);
}

/* ---- estimating ---- */

/* Counts of a split without its labels: each part has what rounding its fraction gives, stratified or not. */
static void estimate_counts(gr_task *t, int64_t n)
{
    const gr_recipe *r = t->recipe;
    int64_t v = r->data.split_validation > 0 ? llround(r->data.split_validation * (double)n) : 0;
    int64_t s = r->data.split_test > 0 ? llround(r->data.split_test * (double)n) : 0;
    if (v) t->count[GR_PART_VALIDATION] = v;
    if (s) t->count[GR_PART_TEST] = s;
    t->count[GR_PART_TRAIN] = GR_MAX(n - v - s, 1);
    if (r->data.limit_train > 0) t->count[GR_PART_TRAIN] = GR_MIN(t->count[GR_PART_TRAIN], r->data.limit_train);
}

gr_status gr__task_estimate(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    gr_set_info train = {0};
    const gr_wanted wanted = gr__agree_wanted(r);
    for (int p = 0; p < GR_PART_TEST; p++) { /* training never reads the test part's own source */
        if (!source_of(r, p)) continue;
        gr_set_info info;
        gr_source_options o = source_options(r, &wanted, is_prepared(r) || train.missing);
        o.memory = t->memory;
        o.schema = p == GR_PART_TRAIN ? NULL : &t->schema;
        GR_TRY(gr__set_info(ctx, source_of(r, p), &o, &info));
        GR_TRY(gr__agree_shapes(ctx, r, p, info.sample, info.target, info.target_sample));
        t->data_bytes += info.inputs_bytes + info.targets_bytes;
        if (p == GR_PART_TRAIN) {
            train = info;
            if (info.schema) t->schema = *info.schema;
            estimate_counts(t, info.n);
            t->target_sample = info.target_sample;
        } else {
            t->count[p] = info.n;
        }
    }
    GR_TRY(
        gr__prepare_placeholder_for(ctx, t->memory, r->data.prepare, r->input, &train, &t->prepared, &t->n_prepared));
    GR_TRY(make_network(t, train.element));
    gr__agree_say_input(ctx, r, train.sample, train.element);
    gr__agree_say_outputs(ctx, r, train.classes);
done:
    if (st != GR_OK) gr__task_close(t);
    return st;
}

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *s = data;
    for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t hash_names(uint64_t h, const char *const *names, int n)
{
    for (int i = 0; names && i < n; i++) h = hash(h, names[i], strlen(names[i]) + 1);
    return hash(h, &(int){names ? n : -1}, sizeof n);
}

uint64_t gr__task_meaning(const gr_task *t)
{
    uint64_t h = hash_names(UINT64_C(14695981039346656037), t->class_names, t->classes);
    h = hash_names(h, t->schema.name, t->schema.name ? t->schema.n_inputs : 0);
    for (int i = 0; i < t->n_prepared; i++) {
        const gr_prepared *p = &t->prepared[i];
        const double *const numbers[] = {p->fill, p->sub, p->mul};
        h = hash(h, p->kind, strlen(p->kind) + 1);
        for (size_t k = 0; k < GR_COUNT(numbers); k++)
            if (numbers[k]) h = hash(h, numbers[k], sizeof(double) * (size_t)p->n);
    }
    return h;
}

void gr__task_close(gr_task *t)
{
    if (!t->ctx) return;
    gr__network_destroy(t->network);
    for (int p = 0; p < GR_PARTS; p++) {
        gr__rows_free(t->ctx, &t->rows[p]);
        gr__set_free(t->ctx, &t->set[p]);
    }
    gr__bump_destroy(t->memory);
    *t = (gr_task){0};
}

int64_t gr__task_batch(const gr_task *t)
{
    int64_t n = t->count[GR_PART_TRAIN], b = t->recipe->data.batch;
    return b == 0 ? GR_MAX(n, 1) : n > 0 ? GR_MIN(b, n) : b;
}

/* Evaluation has a batch that depends on the recipe alone, so that `eval` of a saved model gives the bits that training
 * saw. */
int64_t gr__task_evaluation_batch(const gr_task *t)
{
    return t->recipe->data.batch ? t->recipe->data.batch : 256;
}

gr_loader_options gr__task_loader(const gr_task *t, gr_part p, bool background)
{
    const gr_recipe *r = t->recipe;
    bool train = p == GR_PART_TRAIN;
    int64_t batch = train ? gr__task_batch(t) : gr__task_evaluation_batch(t);
    int64_t limit = gr_context_threads(t->ctx) < gr__processors() ? SMALL_BATCH_BYTES : BUSY_BATCH_BYTES;
    bool small = batch * gr_shape_count(r->input) * (int64_t)gr__element_bytes(t->input_as) < limit;
    return (gr_loader_options){.set = t->set_of[p],
                               .rows = &t->rows[p],
                               .batch = batch,
                               .drop_last = train && r->data.drop_last,
                               .shuffle = train ? (gr_shuffle)r->data.shuffle : GR_SHUFFLE_NONE,
                               .seed = r->seed,
                               .input = t->delivery,
                               .target_as = t->target_as,
                               .background = background && !small};
}

gr_extent gr__task_extent(const gr_task *t)
{
    int64_t n = t->count[GR_PART_TRAIN], batch = gr__task_batch(t);
    const gr_stop_rules *s = &t->recipe->stop;
    gr_extent e = {.batches = t->recipe->data.drop_last ? n / batch : (n + batch - 1) / batch};
    e.updates_per_epoch = (e.batches + t->recipe->accumulate - 1) / t->recipe->accumulate;
    int64_t by_epochs = s->epochs * e.updates_per_epoch;
    e.total = s->steps && by_epochs ? GR_MIN(s->steps, by_epochs) : s->steps ? s->steps : by_epochs;
    return e;
}
