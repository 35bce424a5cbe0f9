/* A task: the recipe's data loaded, split, limited and prepared, and the network checked against it. */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "graph/shape.h"
#include "model/model.h"
#include "train/train.h"

/* Below these a batch is gathered by the training thread: waking another costs more than what it hides, and where every
 * processor has a worker already, a third thread competes with them: 784 floats, batch 64, two threads of two
 * processors, alternating: 204 us a step without it, 215 with. */
enum { SMALL_BATCH_BYTES = 128 << 10, BUSY_BATCH_BYTES = 1 << 20 };

const char *gr__part_name(gr_part p)
{
    static const char *const names[GR_PARTS] = {"train", "validation", "test"};
    return names[p];
}

static gr_source_options source_options(const gr_recipe *r)
{
    return (gr_source_options){.folder = r->folder,
                               .keep_float64 = r->float64,
                               .seed = r->seed,
                               .want = r->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE};
}

static const gr_tree *source_of(const gr_recipe *r, gr_part p)
{
    const gr_tree *const trees[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    return trees[p];
}

/* ---- what the recipe says against what the data is ---- */

static gr_status check_set(gr_context *ctx, const gr_recipe *r, gr_part p, gr_shape sample, gr_target_kind target)
{
    const gr_tree *at = source_of(r, p) ? source_of(r, p) : r->data.train;
    if (!gr__sample_fits(sample, r->input)) {
        char a[96], b[96];
        return gr__tree_fail(ctx, at, GR_E_DATA, NULL, "the %s data has samples of shape %s, model.input is %s",
                             gr__part_name(p), gr__shape_text(sample, a), gr__shape_text(r->input, b));
    }
    gr_target_kind want = r->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE;
    if (target != want)
        return gr__tree_fail(ctx, at, GR_E_DATA, NULL, "the %s data has %s as targets, cost %s wants %s",
                             gr__part_name(p),
                             target == GR_TARGET_CLASS   ? "classes"
                             : target == GR_TARGET_VALUE ? "values"
                                                         : "nothing",
                             r->cost->head.name, want == GR_TARGET_CLASS ? "classes" : "values");
    return GR_OK;
}

/* How many classes the labels may name: a single output tells two. */
static int64_t classes_of(gr_shape output)
{
    int64_t outputs = output.rank > 0 ? output.dim[output.rank - 1] : 1;
    return outputs == 1 ? 2 : outputs;
}

/* Labels must lie within the outputs. */
static gr_status check_labels(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s, gr_shape output)
{
    if (s->target != GR_TARGET_CLASS) return GR_OK;
    int64_t classes = classes_of(output);
    if (s->classes <= classes) return GR_OK;
    return gr__tree_fail(ctx, source_of(r, p) ? source_of(r, p) : r->data.train, GR_E_DATA, NULL,
                         "the %s data has labels up to %d, but the network has outputs for classes 0 to %lld",
                         gr__part_name(p), s->classes - 1, (long long)classes - 1);
}

static gr_status check_values(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_shape target, gr_shape output)
{
    if (r->reading.target == GR_FORM_CLASS || gr_shape_count(target) == gr_shape_count(output)) return GR_OK;
    char a[96], b[96];
    return gr__tree_fail(ctx, source_of(r, p) ? source_of(r, p) : r->data.train, GR_E_DATA, NULL,
                         "the %s data has targets of shape %s, but the network gives %s", gr__part_name(p),
                         gr__shape_text(target, a), gr__shape_text(output, b));
}

/* What labels and distributions may hold: shares from 0 to 1; distributions that miss the sum of 1 are told. */
static gr_status check_shares(gr_context *ctx, const gr_recipe *r, gr_part p, const gr_set *s)
{
    bool labels = r->reading.target == GR_FORM_LABELS, wide = gr__target_element(s) == GR_EL_F64;
    int64_t width = gr_shape_count(s->target_sample), off = 0;
    if (!labels && r->reading.target != GR_FORM_DISTRIBUTION) return GR_OK;
    for (int64_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            double x =
                wide ? ((const double *)s->targets)[i * width + k] : (double)((const float *)s->targets)[i * width + k];
            if (!(x >= 0) || x > (labels ? 1 : INFINITY))
                return gr__tree_fail(ctx, source_of(r, p) ? source_of(r, p) : r->data.train, GR_E_DATA, NULL,
                                     "the %s data has the target %g in row %lld, but %s wants %s", gr__part_name(p), x,
                                     (long long)i, r->cost->head.name,
                                     labels ? "labels from 0 to 1" : "distributions, which are nowhere below 0");
            sum += x;
        }
        off += !(fabs(sum - 1) <= 1e-3);
    }
    if (!labels && off)
        gr__log(ctx, GR_LOG_WARNING, "%lld of %lld targets of the %s data do not sum to 1, as distributions do",
                (long long)off, (long long)s->n, gr__part_name(p));
    return GR_OK;
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
            GR_TRY(gr__tree_fail(t->ctx, source_of(r, p) ? source_of(r, p) : r->data.train, GR_E_DATA, NULL,
                                 "the %s part has no samples", gr__part_name(p)));
    }
done:
    return st;
}

/* ---- opening ---- */

static void deliver_as(gr_task *t, gr_element source, gr_shape target_sample)
{
    gr_element real = gr_backend_real_bytes(t->backend) == 8 ? GR_EL_F64 : GR_EL_F32;
    t->input_as = source == GR_EL_U8 || source == GR_EL_I32 ? source : real;
    t->target_as = t->recipe->reading.target == GR_FORM_CLASS ? GR_EL_I32 : real;
    t->target_sample = target_sample;
}

static gr_status begin(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    *t = (gr_task){.ctx = ctx, .recipe = r, .backend = gr_backend_get(r->device)};
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

static gr_status load_parts(gr_task *t, unsigned only, bool fit)
{
    const gr_recipe *r = t->recipe;
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) {
        if (!part_has_source(r, p, only, fit)) continue;
        gr_set *s = &t->set[p];
        gr_source_options o = source_options(r);
        /* What the training's words and columns mean holds for all other data. */
        o.class_names = t->class_names, o.n_class_names = t->classes;
        o.csv_names = t->input_names, o.n_csv_names = t->n_input_names;
        GR_TRY(gr__set_load(t->ctx, source_of(r, p), &o, s));
        t->set_of[p] = s;
        t->data_bytes += s->inputs_bytes + s->targets_bytes;
        GR_TRY(check_set(t->ctx, r, p, s->sample, s->target));
        if (!t->class_names) t->classes = GR_MAX(t->classes, s->classes), t->class_names = s->class_names;
        if (!t->input_names && s->input_names)
            t->input_names = s->input_names, t->n_input_names = (int)gr_shape_count(s->sample);
        if (!t->set_of[GR_PART_TRAIN] || p == GR_PART_TRAIN) {
            deliver_as(t, s->element, s->target_sample);
        } else if (s->element != t->set[GR_PART_TRAIN].element && t->set[GR_PART_TRAIN].n > 0) {
            GR_TRY(gr__tree_fail(t->ctx, source_of(r, p), GR_E_DATA, NULL,
                                 "the %s data has another element type than the training data", gr__part_name(p)));
        }
    }
done:
    return st;
}

static gr_status check_targets(gr_task *t)
{
    gr_shape output = gr__network_output(t->network);
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) {
        if (!t->set[p].inputs) continue;
        GR_TRY(check_labels(t->ctx, t->recipe, p, &t->set[p], output));
        GR_TRY(check_values(t->ctx, t->recipe, p, t->set[p].target_sample, output));
        GR_TRY(check_shares(t->ctx, t->recipe, p, &t->set[p]));
    }
done:
    return st;
}

gr_status gr__task_open(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    if (model) { /* all borrowed, never written */
        t->class_names = model->class_names, t->classes = model->n_class_names;
        t->input_names = model->input_names, t->n_input_names = model->n_input_names;
        t->prepared = model->prepared, t->n_prepared = model->n_prepared;
    }
    GR_TRY(load_parts(t, only, model == NULL));
    GR_TRY(take_rows(t));
    if (!model) {
        GR_TRY(gr__prepare_fit(ctx, t->memory, r->data.prepare, &t->set[GR_PART_TRAIN], &t->rows[GR_PART_TRAIN],
                               r->input, &t->prepared, &t->n_prepared));
    }
    /* Labels are checked against the outputs below, as data (exit 3); the network sees only itself. */
    GR_TRY(gr__network_make(ctx, r, t->prepared, t->n_prepared, t->input_as, 0, t->targets, &t->network));
    GR_TRY(check_targets(t));
    if (model)
        *t->targets = model->targets;
    else
        GR_TRY(gr__targets_take(t->memory, &t->set[GR_PART_TRAIN], &t->rows[GR_PART_TRAIN],
                                classes_of(gr__network_output(t->network)), t->targets));
    t->loaded = true;
done:
    if (st != GR_OK) gr__task_close(t);
    return st;
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
    gr_source_options o = source_options(r);
    gr_set_info train = {0};
    for (int p = 0; p < GR_PART_TEST; p++) { /* training never reads the test part's own source */
        if (!source_of(r, p)) continue;
        gr_set_info info;
        GR_TRY(gr__set_info(ctx, source_of(r, p), &o, &info));
        GR_TRY(check_set(ctx, r, p, info.sample, info.target));
        t->data_bytes += info.inputs_bytes + info.targets_bytes;
        if (p == GR_PART_TRAIN) {
            train = info;
            estimate_counts(t, info.n);
            deliver_as(t, info.element, info.target_sample);
        } else {
            t->count[p] = info.n;
        }
    }
    GR_TRY(
        gr__prepare_placeholder_for(ctx, t->memory, r->data.prepare, r->input, &train, &t->prepared, &t->n_prepared));
    GR_TRY(gr__network_make(ctx, r, t->prepared, t->n_prepared, t->input_as, 0, t->targets, &t->network));
    GR_TRY(check_values(ctx, r, GR_PART_TRAIN, t->target_sample, gr__network_output(t->network)));
done:
    if (st != GR_OK) gr__task_close(t);
    return st;
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
                               .input_as = t->input_as,
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
