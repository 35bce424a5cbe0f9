/* A task: the recipe's data loaded, split, limited and prepared, and the network checked against it. */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "data/fields.h"
#include "graph/shape.h"
#include "model/model.h"
#include "train/agree.h"
#include "train/balance.h"
#include "train/cut.h"
#include "train/origin.h"

const char *gr__part_name(gr_part p)
{
    static const char *const names[GR_PARTS] = {"train", "validation", "test"};
    return names[p];
}

static const gr_tree *source_of(const gr_recipe *r, gr_part p)
{
    const gr_tree *const trees[GR_PARTS] = {r->data.train, r->data.validation, r->data.test};
    return trees[p];
}

/* ---- rows ---- */

static gr_status take_rows(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_rows *train = &t->rows[GR_PART_TRAIN];
    gr_status st = GR_OK;
    for (int p = GR_PART_VALIDATION; p < GR_PARTS; p++)
        if (t->set_of[p] == &t->set[p]) GR_TRY(gr__cut_own(t, p));
    if (t->set_of[GR_PART_TRAIN]) GR_TRY(gr__cut_rows(t));
    int64_t unlimited = train->n;
    if (train->row) GR_TRY(gr__rows_limit(t->ctx, r->seed, train, gr__cut_limit(r, unlimited)));
    for (int p = 0; p < GR_PARTS; p++) t->count[p] = t->rows[p].n;
    gr__cut_count(t, t->set[GR_PART_TRAIN].n, unlimited);
    for (int p = 0; p < GR_PARTS; p++) {
        if (t->set_of[p] && t->count[p] == 0 && !t->lenient)
            GR_TRY(gr__tree_fail(t->ctx, gr__agree_place(r, p), GR_E_DATA, NULL, "the %s part has no samples",
                                 gr__part_name(p)));
    }
done:
    return st;
}

/* ---- opening ---- */

gr_element gr__task_real(const gr_task *t)
{
    return gr_backend_real_bytes(t->backend) == 8 ? GR_EL_F64 : GR_EL_F32;
}

static bool is_prepared(const gr_recipe *r)
{
    return !gr__tree_none(r->data.prepare) && r->data.prepare->n > 0;
}

static int steps_of_all(const gr_task *t)
{
    int n = 0;
    for (int i = 0; i < t->recipe->n_inputs; i++) n += t->meaning.n_prepared[i];
    return n;
}

/* What samples of some part have, the network has. */
static void take_fields(gr_task *t, const gr_set *s)
{
    t->weighted |= s->weighted;
    for (int i = 0; i < s->n_inputs; i++) t->lengths[i] |= gr__set_length(s, i) != NULL;
}

/* All parts come to the network in the same way, whether they are loaded together or alone: parts of types that would
 * be prepared otherwise leave a word of it in the model. */
static gr_element element_of(gr_task *t, int i)
{
    gr_element all = gr__set_input(t->lead, i)->element;
    bool differ = false;
    for (int p = 0; p < GR_PARTS; p++) {
        if (!t->set_of[p]) continue;
        gr_element e = gr__set_input(t->set_of[p], i)->element;
        if (p == GR_PART_TRAIN) e = gr__balance_element(t, e);
        differ = differ || gr__prepared_as_delivered(e) != gr__prepared_as_delivered(all);
        all = gr__elements_together(all, e);
    }
    if (differ && t->meaning.n_prepared[i] > 0) t->meaning.wide[i] = true;
    return t->meaning.wide[i] ? GR_EL_F64 : all;
}

/* The network, once it is known what the parts hold and how they are prepared: by the loader, or by the graph. */
static gr_status make_network(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    const gr_meaning *m = &t->meaning;
    gr_network_data d = {.targets = t->targets, .weighted = t->weighted};
    gr_status st = GR_OK;
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) {
        st = gr__delivery_for(t->ctx, gr__set_input(t->lead, i), element_of(t, i), gr__task_real(t), m->prepared[i],
                              m->n_prepared[i], r->input[i].sample, &t->delivery[i]);
        if (t->changes[i] && t->delivery[i].as == GR_EL_U8)
            t->delivery[i].as = gr__task_real(t); /* changed as numbers */
        d.input_as[i] = t->delivery[i].as;
        d.prepared[i] = m->prepared[i];
        d.n_prepared[i] = st == GR_OK ? gr__delivery_left(&t->delivery[i], m->n_prepared[i]) : 0;
    }
    memcpy(d.lengths, t->lengths, sizeof d.lengths);
    if (st == GR_OK) st = gr__network_make(t->ctx, r, &d, &t->network);
    return st == GR_OK ? gr__task_measure(t) : st;
}

static gr_status begin(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    *t = (gr_task){.ctx = ctx, .recipe = r, .backend = gr_backend_get(r->device), .resolved = r->resolved};
    for (int h = 0; h < r->n_heads; h++) t->metrics[h] = r->head[h].metrics;
    t->memory = gr__bump_create(ctx);
    t->faults = t->memory ? gr__bump_alloc(t->memory, sizeof *t->faults * GR_PARTS) : NULL;
    t->targets = t->faults ? gr__bump_alloc(t->memory, sizeof *t->targets * GR_MAX_TARGETS) : NULL;
    t->meaning.targets = t->targets;
    if (!t->targets) return GR_E_MEMORY;
    gr_status st = gr__agree_lengths(ctx, r);
    return st == GR_OK ? gr__cut_exclude(t) : st;
}

static bool part_has_source(const gr_recipe *r, gr_part p, unsigned only, bool fit)
{
    if (!source_of(r, p)) return false;
    bool cut = (r->data.split_validation > 0 && only & 1u << GR_PART_VALIDATION) ||
               (r->data.split_test > 0 && only & 1u << GR_PART_TEST);
    return only & 1u << p || (p == GR_PART_TRAIN && (fit || cut));
}

/* ---- what classes are called ---- */

static bool has_names(const gr_task *t)
{
    bool any = false;
    for (int h = 0; h < t->recipe->n_heads; h++) any |= t->meaning.class_names[h] != NULL;
    return any;
}

static void learn_classes(gr_task *t, const gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *f = gr__set_target(s, h);
        if (t->meaning.class_names[h]) continue;
        t->meaning.classes[h] = GR_MAX(t->meaning.classes[h], f->classes);
        t->meaning.class_names[h] = f->class_names;
    }
}

/* ---- parts ---- */

static gr_status load_part(gr_task *t, gr_part p, const gr_origin *origin, bool learned)
{
    const gr_recipe *r = t->recipe;
    const gr_wants wants = gr__recipe_wants(r);
    gr_set *s = &t->set[p];
    bool prepared = steps_of_all(t) || is_prepared(r) || gr__agree_missing(&t->set[GR_PART_TRAIN]);
    gr_source_options o = gr__cut_source(r, &wants, prepared);
    gr_status st = GR_OK;
    gr__meaning_tell(&t->meaning, r);
    o.own_classes = p == GR_PART_TRAIN && gr__origin_prepares(origin); /* held against the model's below */
    o.faults = &t->faults[p];
    o.schema = learned || has_names(t) || o.own_classes ? &t->meaning.schema : NULL;
    GR_TRY(gr__set_load(t->ctx, source_of(r, p), &o, s));
    t->set_of[p] = s;
    t->data_bytes += gr__set_bytes(s);
    take_fields(t, s);
    GR_TRY(gr__place(t->ctx, r->data.exclude, gr__set_leave_out(t->ctx, s, &t->faults[p])));
    GR_TRY(gr__agree_shapes(t->ctx, r, p, s));
    if (origin && p == GR_PART_TRAIN) GR_TRY(gr__origin_settle(origin, t, s));
    GR_TRY(gr__agree_values(t->ctx, r, p, s,
                            t->lenient ? &t->faults[p] : NULL)); /* few labels, for whoever splits by them */
    learn_classes(t, s);
    if (!learned && s->schema) t->meaning.schema = *s->schema;
    if (!t->lead) t->lead = s;
done:
    return st;
}

/* What comes first is the training's own, and says how all else is read; with a model, it is known already. */
static gr_status load_parts(gr_task *t, unsigned only, const gr_origin *origin, bool fit)
{
    bool learned = !fit;
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        if (!part_has_source(t->recipe, p, only, fit)) continue;
        st = load_part(t, p, origin, learned);
        learned = true;
    }
    return st;
}

/* What is worth knowing before training. */
static gr_status say(const gr_task *t)
{
    gr_status st = GR_OK;
    gr__agree_say_inputs(t->ctx, t->recipe, &t->set[GR_PART_TRAIN]);
    for (int h = 0; h < t->recipe->n_heads && st == GR_OK; h++) {
        int classes = t->meaning.class_names[h] ? t->meaning.classes[h] : 0;
        for (int p = 0; p < GR_PARTS; p++)
            if (t->set[p].n_targets > h) classes = GR_MAX(classes, gr__set_target(&t->set[p], h)->classes);
        if (!gr__set_target(&t->set[GR_PART_TRAIN], h)->vocabulary)
            gr__agree_say_outputs(t->ctx, t->recipe, h, classes);
        st = gr__agree_say_classes(t, h);
    }
    return st;
}

/* Preparation and what the targets are like: of the training rows. */
static gr_status fit_inputs(gr_task *t)
{
    gr_status st = GR_OK;
    for (int i = 0; i < t->recipe->n_inputs && st == GR_OK; i++) {
        gr_prepared *steps = NULL;
        st = gr__prepare_fit(t->ctx, t->memory, t->recipe->input[i].prepare, gr__set_input(&t->set[GR_PART_TRAIN], i),
                             &t->rows[GR_PART_TRAIN], t->recipe->input[i].sample, &steps, &t->meaning.n_prepared[i]);
        t->meaning.prepared[i] = steps;
    }
    return st;
}

static gr_status take_targets(gr_task *t)
{
    gr_status st = GR_OK;
    const gr_set *s = &t->set[GR_PART_TRAIN];
    for (int h = 0; h < s->n_targets && st == GR_OK; h++)
        st = gr__targets_take(t->memory, gr__set_target(s, h), &t->rows[GR_PART_TRAIN], gr__agree_classes(t->recipe, h),
                              &t->targets[h]);
    for (int h = 0; h < s->n_targets && st == GR_OK; h++)
        if (t->recipe->head[h].standardize) st = gr__targets_standardize(t->ctx, t->memory, &t->targets[h]);
    return st;
}

/* What of training samples a model holds, so that those that it is given can be compared with them. */
static gr_status keep_traits(gr_task *t)
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    gr_trait_input in[GR_MAX_INPUTS] = {0};
    gr_traits traits;
    for (int i = 0; i < s->n_inputs; i++)
        in[i] = (gr_trait_input){
            gr__prepare_takes(t->meaning.prepared[i], t->meaning.n_prepared[i], t->recipe->input[i].sample),
            gr__set_input(s, i)->vocabulary > 0, gr__set_length(s, i) != NULL};
    gr__traits_of(in, s->n_inputs, &traits);
    return gr__traits_keep(t->ctx, t->memory, &traits, s, &t->rows[GR_PART_TRAIN], t->recipe->seed, &t->meaning.traits);
}

/* What the model that weights come from says of them. All borrowed, never written. */
static void take_meaning(gr_task *t, const gr_meaning *m)
{
    t->meaning = *m;
    t->meaning.targets = t->targets;
}

static gr_status read_start(gr_task *t, const gr_origin **out)
{
    gr_origin *origin = gr__bump_alloc(t->memory, sizeof *origin);
    *out = origin;
    return origin ? gr__origin_of_start(t->ctx, t->memory, t->recipe, origin) : GR_E_MEMORY;
}

/* All but balancing and what is said. */
static gr_status load(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model,
                      const gr_origin *origin, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    if (model) take_meaning(t, &model->meaning);
    if (!model && !origin && r->start.from) GR_TRY(read_start(t, &origin));
    if (gr__origin_prepares(origin)) gr__origin_give(origin, &t->meaning);
    GR_TRY(load_parts(t, only, origin, model == NULL));
    GR_TRY(take_rows(t));
    if (!model && !gr__origin_prepares(origin)) GR_TRY(fit_inputs(t));
    if (!model) GR_TRY(gr__task_changes(t)); /* a model is looked at as it is: what changed its training may be gone */
    GR_TRY(make_network(t));
    if (model)
        memcpy(t->targets, model->meaning.targets, sizeof *t->targets * (size_t)r->n_heads);
    else
        GR_TRY(take_targets(t));
    if (gr__origin_prepares(origin)) gr__origin_units(origin, t);
    if (!model) GR_TRY(keep_traits(t));
done:
    return st;
}

static gr_status open_task(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model,
                           const gr_origin *origin, bool balance, gr_task *t)
{
    gr_status st = load(ctx, r, only, model, origin, t);
    if (st == GR_OK && !model) st = say(t);
    if (st == GR_OK && balance && r->data.balance) st = gr__task_balance(t);
    if (st == GR_OK && !model) st = gr__task_repeat(t);
    if (st == GR_OK)
        t->loaded = true;
    else
        gr__task_close(t);
    return st;
}

gr_status gr__task_look(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    t->lenient = true;
    for (int p = 0; p < GR_PARTS; p++) {
        gr_faults of = t->faults[p];
        GR_TRY(gr__faults_open(ctx, &t->faults[p]));
        t->faults[p].out = of.out;
        t->faults[p].n_out = of.n_out;
    }
    GR_TRY(load_parts(t, (1u << GR_PARTS) - 1, NULL, true));
    for (int p = 0; p < GR_PARTS; p++) gr__faults_sort(&t->faults[p]);
    GR_TRY(take_rows(t));
done:
    if (st != GR_OK) gr__task_close(t);
    return st;
}

/* Rows with faults, as if they were left out: their targets are no longer looked at. */
static gr_status blank_faults(gr_task *t, gr_part p)
{
    const gr_faults *f = &t->faults[p];
    size_t bytes = (f->n + (size_t)f->n_out) * sizeof(uint32_t), n = 0, k = 0;
    if (!f->n) return GR_OK;
    uint32_t *row = gr__alloc(t->ctx, bytes);
    if (!row) return GR_E_MEMORY;
    for (int64_t i = 0; i < f->n_out || k < f->n;) { /* both rise */
        bool listed = k == f->n || (i < f->n_out && (int64_t)f->out[i] <= f->fault[k].row);
        uint32_t next = listed ? f->out[i++] : (uint32_t)f->fault[k++].row;
        if (!listed && f->fault[k - 1].row < 0) continue; /* of no row */
        if (!n || row[n - 1] != next) row[n++] = next;
    }
    gr_status st = gr__set_leave_out(t->ctx, &t->set[p], &(gr_faults){.out = row, .n_out = (int64_t)n});
    gr__free(t->ctx, row, bytes);
    return st;
}

gr_status gr__task_rehearse(gr_task *t)
{
    gr_status st = GR_OK;
    t->lenient = false;
    for (int p = 0; p < GR_PARTS; p++)
        if (t->set[p].n) GR_TRY(blank_faults(t, (gr_part)p)); /* values that do not agree were faults */
    GR_TRY(fit_inputs(t));
    GR_TRY(gr__task_changes(t));
done:
    return st;
}

gr_status gr__task_settle(gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(gr__task_rehearse(t));
    GR_TRY(make_network(t));
    GR_TRY(take_targets(t));
    GR_TRY(gr__task_repeat(t));
    t->loaded = true;
done:
    return st;
}

gr_status gr__task_open(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_model *model, gr_task *t)
{
    return open_task(ctx, r, only, model, NULL, model == NULL, t);
}

gr_status gr__task_open_as_split(gr_context *ctx, const gr_recipe *r, unsigned only, gr_task *t)
{
    return open_task(ctx, r, only, NULL, NULL, false, t);
}

gr_status gr__task_open_from(gr_context *ctx, const gr_recipe *r, unsigned only, const gr_origin *origin, gr_task *t)
{
    return open_task(ctx, r, only, NULL, origin, true, t);
}

gr_status gr__task_outputs(gr_context *ctx, const gr_recipe *r, int64_t out[GR_MAX_TARGETS])
{
    gr_task t = {0};
    gr_wants wants = gr__recipe_wants(r);
    gr_set *s = &t.set[GR_PART_TRAIN];
    gr_source_options o = gr__cut_source(r, &wants, false);
    gr_status st = GR_OK;
    for (int h = 0; h < r->n_heads; h++) wants.target[h].any = true;
    GR_TRY(begin(ctx, r, &t));
    o.faults = &t.faults[GR_PART_TRAIN];
    GR_TRY(gr__set_load(ctx, r->data.train, &o, s));
    for (int h = 0; h < r->n_heads; h++) {
        const gr_field *y = gr__set_target(s, h);
        out[h] = y->kind == GR_TARGET_CLASS ? y->classes : gr_shape_count(y->sample);
    }
done:
    gr__task_close(&t);
    return st;
}

/* ---- estimating ---- */

/* A part's own source, from its headers. */
static gr_status estimate_part(gr_task *t, gr_part p, int64_t *unlimited)
{
    const gr_recipe *r = t->recipe;
    const gr_wants wants = gr__recipe_wants(r);
    gr_set *s = &t->set[p];
    gr_source_options o = gr__cut_source(r, &wants, is_prepared(r) || gr__agree_missing(&t->set[GR_PART_TRAIN]));
    o.memory = t->memory;
    o.schema = p == GR_PART_TRAIN ? NULL : &t->meaning.schema;
    o.faults = &t->faults[p];
    gr_status st = gr__set_info(t->ctx, source_of(r, p), &o, s);
    if (st == GR_OK) st = gr__agree_shapes(t->ctx, r, p, s);
    if (st != GR_OK) return st;
    t->set_of[p] = s;
    t->data_bytes += gr__set_bytes(s);
    take_fields(t, s);
    if (p != GR_PART_TRAIN) {
        t->count[p] = s->n - t->exclude.n[p];
        return GR_OK;
    }
    t->lead = s;
    if (s->schema) t->meaning.schema = *s->schema;
    return gr__cut_estimate(t, s->n, unlimited);
}

static gr_status estimate_steps(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_status st = GR_OK;
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) {
        gr_prepared *steps = NULL;
        st = gr__prepare_placeholder(t->ctx, t->memory, r->input[i].prepare, r->input[i].sample,
                                     gr__set_input(t->lead, i), &steps, &t->meaning.n_prepared[i]);
        t->meaning.prepared[i] = steps;
    }
    return st;
}

/* How many rows are left or made depends on labels, and with some methods on all numbers: the training's source is
 * read, unless it alone is too large. */
static gr_status estimate_balance(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_task read = {0};
    if (r->memory && t->data_bytes > r->memory) return GR_OK;
    gr_status st = load(t->ctx, r, 1u << GR_PART_TRAIN, NULL, NULL, &read);
    if (st == GR_OK) st = gr__task_balance_estimate(&read, t);
    gr__task_close(&read);
    return st;
}

gr_status gr__task_estimate(gr_context *ctx, const gr_recipe *r, gr_task *t)
{
    gr_status st = GR_OK;
    GR_TRY(begin(ctx, r, t));
    int64_t unlimited = 0;
    for (int p = 0; p < GR_PART_TEST; p++) /* training never reads the test part's own source */
        if (source_of(r, p)) GR_TRY(estimate_part(t, p, &unlimited));
    for (int p = 0; p < GR_PARTS; p++) {
        if (t->count[p] && !t->set_of[p]) t->set_of[p] = t->lead; /* cut from the training data */
        t->rows[p].n = t->count[p];
    }
    gr__cut_count(t, t->lead->n, unlimited);
    if (r->data.balance) GR_TRY(estimate_balance(t));
    GR_TRY(gr__task_repeat(t));
    GR_TRY(estimate_steps(t));
    GR_TRY(gr__task_changes(t));
    GR_TRY(make_network(t));
    gr__agree_say_inputs(ctx, r, t->lead);
    for (int h = 0; h < r->n_heads; h++) gr__agree_say_outputs(ctx, r, h, gr__set_target(t->lead, h)->classes);
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

static uint64_t hash_steps(uint64_t h, const gr_prepared *p, int n)
{
    for (int i = 0; i < n; i++, p++) {
        h = hash(h, p->step->head.name, strlen(p->step->head.name) + 1);
        for (int k = 0; k < GR_MAX_STATE; k++)
            if (p->state[k]) h = hash(h, p->state[k], sizeof(double) * (size_t)p->n[k]);
    }
    return h;
}

uint64_t gr__task_meaning(const gr_task *t)
{
    const gr_meaning *m = &t->meaning;
    uint64_t h = UINT64_C(14695981039346656037);
    for (int k = 0; k < t->recipe->n_heads; k++) h = hash_names(h, m->class_names[k], m->classes[k]);
    h = hash_names(h, m->schema.name, m->schema.name ? m->schema.n_inputs : 0);
    for (int i = 0; m->schema.category && i < m->schema.n_inputs; i++)
        h = hash_names(h, m->schema.category[i].name, m->schema.category[i].n);
    for (int i = 0; i < t->recipe->n_inputs; i++) h = hash_steps(h, m->prepared[i], m->n_prepared[i]);
    for (int k = 0; k < t->recipe->n_heads; k++) {
        const gr_targets *y = &m->targets[k];
        if (y->shift)
            h = hash(hash(h, y->shift, sizeof(double) * (size_t)y->values), y->spread,
                     sizeof(double) * (size_t)y->values);
    }
    for (int i = 0; i < t->recipe->n_inputs; i++)
        if (m->wide[i]) h = hash(h, &i, sizeof i);
    return h;
}

void gr__task_close(gr_task *t)
{
    if (!t->ctx) return;
    gr__network_destroy(t->network);
    for (int p = 0; p < GR_PARTS; p++) {
        gr__rows_free(t->ctx, &t->rows[p]);
        if (p == GR_PART_TRAIN) gr__rows_free(t->ctx, &t->repeated);
        gr__set_free(t->ctx, &t->set[p]);
        if (t->faults) gr__faults_close(&t->faults[p]);
    }
    gr__rows_free(t->ctx, &t->trained);
    gr__bump_destroy(t->memory);
    *t = (gr_task){0};
}
