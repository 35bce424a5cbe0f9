/* Evidence files (tests/family/FAMILY/MEMBER.txt, written by make_evidence.py and make_inits.py), and the checks that
 * hold a member against them. The suite runs these on the registry; tests of the tests run the same ones on wrong
 * members. A check gives false and says why; it never ends the test itself. */
#ifndef GR_TESTS_FAMILY_EVIDENCE_H
#define GR_TESTS_FAMILY_EVIDENCE_H

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/eval.h"
#include "cost/cost.h"
#include "init/init.h"
#include "nn/layer.h"
#include "optim/optim.h"

typedef struct ev_tensor {
    char name[24];
    gr_shape shape;
    int64_t n;
    double *v;
} ev_tensor;

typedef struct ev_case {
    char name[48], set[256];
    char key[8][24], word[8][32];
    int n_words, n_tensors;
    ev_tensor tensor[16];
} ev_case;

typedef struct evidence {
    char path[160];
    int n;
    ev_case c[32];
} evidence;

/* ---- reading ---- */

static inline bool ev_read_tensor(ev_tensor *t, char *line)
{
    char *at = line, *end;
    int used = 0;
    if (sscanf(at, "tensor %23s%n", t->name, &used) != 1) return false;
    at += used;
    for (int64_t size = strtoll(at, &end, 10); end != at; at = end, size = strtoll(at, &end, 10)) {
        if (t->shape.rank == GR_MAX_RANK) return false;
        t->shape.dim[t->shape.rank++] = size;
    }
    if (!(at = strchr(at, ':'))) return false;
    int64_t count = gr_shape_count(t->shape);
    t->v = calloc((size_t)(count ? count : 1), sizeof *t->v);
    at++;
    for (double x = strtod(at, &end); end != at; at = end, x = strtod(at, &end)) {
        if (!t->v || t->n == count) return false;
        t->v[t->n++] = x;
    }
    return t->n == count;
}

static inline bool ev_read_line(evidence *e, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    ev_case *c = e->n ? &e->c[e->n - 1] : NULL;
    if (line[0] == '#' || line[0] == '\0') return true;
    if (strncmp(line, "case ", 5) == 0) {
        if (e->n == (int)GR_COUNT(e->c)) return false;
        return snprintf(e->c[e->n++].name, sizeof c->name, "%s", line + 5) < (int)sizeof c->name;
    }
    if (!c) return false;
    if (strncmp(line, "set ", 4) == 0) return snprintf(c->set, sizeof c->set, "%s", line + 4) < (int)sizeof c->set;
    if (strncmp(line, "word ", 5) == 0)
        return c->n_words < (int)GR_COUNT(c->word) &&
               sscanf(line, "word %23s %31s", c->key[c->n_words], c->word[c->n_words]) == 2 && ++c->n_words;
    return c->n_tensors < (int)GR_COUNT(c->tensor) && ev_read_tensor(&c->tensor[c->n_tensors], line) && ++c->n_tensors;
}

static inline void ev_free(evidence *e)
{
    for (int i = 0; e && i < e->n; i++)
        for (int k = 0; k < e->c[i].n_tensors; k++) free(e->c[i].tensor[k].v);
    free(e);
}

/* The member's evidence; NULL where there is none, or it cannot be read. */
static inline evidence *ev_open(const char *family, const char *member)
{
    evidence *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    snprintf(e->path, sizeof e->path, "tests/family/%s/%s.txt", family, member);
    FILE *f = fopen(e->path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = f != NULL;
    while (ok && getline(&line, &room, f) >= 0) ok = ev_read_line(e, line);
    free(line);
    if (f) fclose(f);
    if (ok && e->n > 0) return e;
    ev_free(e);
    return NULL;
}

static inline const ev_tensor *ev_find(const ev_case *c, const char *name)
{
    for (int i = 0; i < c->n_tensors; i++)
        if (strcmp(c->tensor[i].name, name) == 0) return &c->tensor[i];
    return NULL;
}

static inline const char *ev_word(const ev_case *c, const char *key)
{
    for (int i = 0; i < c->n_words; i++)
        if (strcmp(c->key[i], key) == 0) return c->word[i];
    return "";
}

static inline double ev_number(const ev_case *c, const char *name)
{
    const ev_tensor *t = ev_find(c, name);
    return t ? t->v[0] : (double)NAN;
}

/* ---- comparing ---- */

typedef struct verdict {
    char why[400];
} verdict;

static inline bool ev_bad(verdict *v, const ev_case *c, const char *what, const char *detail)
{
    snprintf(v->why, sizeof v->why, "%s: %s: %s", c->name, what, detail);
    return false;
}

/* The kept error as the reason. */
static inline bool ev_failed(verdict *v, gr_context *ctx, const ev_case *c, const char *what)
{
    return ev_bad(v, c, what, gr_context_error(ctx)->message);
}

/* Within `tolerance` of the largest element; infinities and NaN must be the same. */
static inline bool ev_near(verdict *v, const ev_case *c, const char *what, const double *got, const double *want,
                           int64_t n, double tolerance)
{
    double scale = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(want[i])) scale = fmax(scale, fabs(want[i]));
    for (int64_t i = 0; i < n; i++) {
        bool same = got[i] == want[i] || (isnan(got[i]) && isnan(want[i]));
        if (same || fabs(got[i] - want[i]) <= tolerance * scale) continue;
        char detail[160];
        snprintf(detail, sizeof detail, "element %lld is %.17g, the evidence says %.17g", (long long)i, got[i],
                 want[i]);
        return ev_bad(v, c, what, detail);
    }
    return true;
}

/* ---- evaluating a graph with leaves by name ---- */

typedef struct ev_leaves {
    const gr_backend *backend; /* NULL: the evaluator; else a plan of it is compiled and run */
    int n;
    struct {
        const char *name;
        const double *v;
    } leaf[64];
} ev_leaves;

static inline void ev_leaf(ev_leaves *l, const char *name, const double *v)
{
    assert_true(l->n < (int)GR_COUNT(l->leaf));
    l->leaf[l->n].name = name;
    l->leaf[l->n++].v = v;
}

static inline const double *ev_get_leaf(void *user, const gr_graph *g, const gr_node *node)
{
    const ev_leaves *l = user;
    (void)g;
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->leaf[i].name, node->attr.name) == 0) return l->leaf[i].v;
    return NULL;
}

/* Puts numbers where a backend has them: rank 0 is double, GR_REAL as the backend, integers int32. */
static inline void ev_put(const gr_backend *backend, gr_dtype dtype, gr_shape shape, void *to, const double *from)
{
    for (int64_t i = 0, n = gr_shape_count(shape); i < n; i++) {
        if (dtype == GR_I32)
            ((int32_t *)to)[i] = (int32_t)from[i];
        else if (shape.rank == 0 || gr_backend_real_bytes(backend) == sizeof(double))
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    }
}

static inline void ev_take(const gr_backend *backend, gr_shape shape, const void *from, double *to)
{
    bool doubles = shape.rank == 0 || gr_backend_real_bytes(backend) == sizeof(double);
    for (int64_t i = 0, n = gr_shape_count(shape); i < n; i++)
        to[i] = doubles ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static inline bool ev_stored(const gr_node *n)
{
    return n->op->code == GR_OP_PARAM || n->op->code == GR_OP_SLOT;
}

/* Runs a plan for one value on the backend of `l`; the graph's parameters and states come from the leaves too. */
static inline gr_status ev_run(gr_graph *g, gr_val v, ev_leaves *l, double *r)
{
    gr_context *ctx = gr__graph_context(g);
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    gr_status st = GR_OK;
    char name[16];
    snprintf(name, sizeof name, "out%d", (int)gr__graph_effects(g).n_outputs);
    gr_output(g, name, v);
    GR_TRY(gr_store_create(ctx, l->backend, &store));
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) {
        const gr_node *node = gr__node(g, i);
        gr_entry_spec spec = {
            .name = node->attr.name, .shape = gr_shape_of(g, node->out), .slot = node->op->code == GR_OP_SLOT};
        if (ev_stored(node)) GR_TRY(gr_store_add(store, &spec, NULL));
    }
    GR_TRY(gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = l->backend, .name = "evidence"}, &plan));
    GR_TRY(gr_store_seal(store));
    GR_TRY(gr_plan_bind(plan, NULL));
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) {
        const gr_node *node = gr__node(g, i);
        bool stored = ev_stored(node);
        if (!stored && node->op->code != GR_OP_FEED) continue;
        const double *from = ev_get_leaf(l, g, node);
        void *to = stored ? gr_store_find(store, node->attr.name)->data : gr_plan_feed(plan, node->attr.name, NULL);
        if (from && to) ev_put(l->backend, gr_dtype_of(g, node->out), gr_shape_of(g, node->out), to, from);
    }
    GR_TRY(gr_plan_run(plan));
    ev_take(l->backend, gr_shape_of(g, v), gr_plan_output(plan, name, NULL), r);
done:
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    return st;
}

/* Computes one value into fresh memory (free it); NULL on failure. */
static inline double *ev_value(gr_graph *g, gr_val v, ev_leaves *l)
{
    double *r = calloc((size_t)gr_shape_count(gr_shape_of(g, v)) + 1, sizeof *r);
    if (r && (l->backend ? ev_run(g, v, l, r) : gr__eval(g, &v, 1, ev_get_leaf, l, &r)) == GR_OK) return r;
    free(r);
    return NULL;
}

static inline bool ev_holds(verdict *v, gr_context *ctx, const ev_case *c, gr_graph *g, gr_val value, ev_leaves *l,
                            const char *want, double tolerance)
{
    const ev_tensor *t = ev_find(c, want);
    if (!t) return ev_bad(v, c, want, "the evidence has none");
    if (gr_graph_status(g) != GR_OK) return ev_failed(v, ctx, c, want);
    if (!gr__shape_equal(gr_shape_of(g, value), t->shape)) {
        char text[96];
        return ev_bad(v, c, "shape", gr__shape_text(gr_shape_of(g, value), text));
    }
    double *got = ev_value(g, value, l);
    if (!got) return ev_failed(v, ctx, c, want);
    bool ok = ev_near(v, c, want, got, t->v, t->n, tolerance);
    free(got);
    return ok;
}

/* ---- what every check starts from ---- */

typedef struct ev_bench {
    const gr_backend *backend; /* NULL: the evaluator */
    double tolerance;
    gr_context *ctx;
    gr__bump *memory;
    gr_graph *g;
    gr_tree *tree;
} ev_bench;

static inline bool ev_begin(ev_bench *b, const char *set)
{
    *b = (ev_bench){.tolerance = 1e-10};
    if (gr_context_create(NULL, &b->ctx) != GR_OK) return false;
    b->memory = gr__bump_create(b->ctx);
    b->tree = b->memory ? gr__tree_flow(b->memory, set) : NULL;
    return b->tree && gr_graph_create(b->ctx, &b->g) == GR_OK;
}

static inline void ev_end(ev_bench *b)
{
    gr_graph_destroy(b->g);
    if (b->memory) gr__bump_destroy(b->memory);
    gr_context_destroy(b->ctx);
}

/* ---- layers ---- */

enum { EV_INPUTS = 4, EV_STATES = 4 };

typedef struct ev_moves { /* what the layer says of its statistics */
    gr_graph *g;
    int n;
    struct {
        const gr_entry_spec *state;
        gr_val next;
    } of[EV_STATES];
} ev_moves;

static inline void ev_move(void *user, const gr_entry_spec *s, gr_val batch, double share)
{
    ev_moves *m = user;
    assert_true(m->n < EV_STATES);
    m->of[m->n].state = s;
    m->of[m->n++].next = gr__statistic(m->g, gr_slot(m->g, s->name, s->shape), batch, gr_const(m->g, share));
}

/* States stand under their names, and what training makes of them under new_NAME. */
static inline bool ev_states(ev_bench *b, const gr_build *build, const ev_moves *m, const ev_case *c, ev_leaves *l,
                             verdict *v)
{
    for (size_t i = 0; i < build->n_states; i++) {
        const ev_tensor *t = ev_find(c, build->states[i].name + 2);
        if (!t || !gr__shape_equal(t->shape, build->states[i].shape))
            return ev_bad(v, c, build->states[i].name, "no such state, or of another shape");
        ev_leaf(l, build->states[i].name, t->v);
    }
    if (build->mode == GR_MODE_TRAIN && m->n != (int)build->n_states)
        return ev_bad(v, c, "states", "training says nothing of one");
    for (int i = 0; i < m->n; i++) {
        char name[64];
        snprintf(name, sizeof name, "new_%s", m->of[i].state->name + 2);
        if (!ev_holds(v, b->ctx, c, b->g, m->of[i].next, l, name, b->tolerance)) return false;
    }
    return true;
}

static inline bool ev_layer_case(ev_bench *b, const gr_layer *m, const ev_case *c, verdict *v)
{
    gr_settings s;
    ev_leaves l = {.backend = b->backend};
    bool train = strcmp(ev_word(c, "mode"), "train") == 0;
    double seed = strtod(ev_word(c, "seed"), NULL), update = strtod(ev_word(c, "update"), NULL),
           position = strtod(ev_word(c, "position"), NULL);
    gr_build build = {
        .ctx = b->ctx, .g = b->g, .mode = train ? GR_MODE_TRAIN : GR_MODE_EVALUATE, .memory = b->memory, .layer = "l"};
    ev_moves moves = {.g = b->g};
    build.bind = (gr_binding){.observe = ev_move, .user = &moves};
    if (train) {
        build.seed = gr_feed(b->g, "seed", GR_REAL, GR_SCALAR),
        build.update = gr_feed(b->g, "update", GR_REAL, GR_SCALAR);
        build.position = gr_feed(b->g, "position", GR_REAL, GR_SCALAR);
        ev_leaf(&l, "seed", &seed), ev_leaf(&l, "update", &update), ev_leaf(&l, "position", &position);
    }
    gr_val in[EV_INPUTS];
    int n_in = 0;
    static const char *const names[EV_INPUTS] = {"in0", "in1", "in2", "in3"}, *const slopes[EV_INPUTS] = {
                                                                                  "din0", "din1", "din2", "din3"};
    for (const ev_tensor *t; n_in < EV_INPUTS && (t = ev_find(c, names[n_in])); n_in++) {
        in[n_in] = gr_feed(b->g, names[n_in], GR_REAL, t->shape);
        ev_leaf(&l, names[n_in], t->v);
    }
    if (gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, gr__layer_common_keys, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    gr_val y = m->build(&build, &s, in, n_in);
    const ev_tensor *dy = ev_find(c, "dout");
    for (size_t i = 0; i < build.n_params; i++) {
        const ev_tensor *t = ev_find(c, build.params[i].entry.name + 2);
        if (!t || !gr__shape_equal(t->shape, build.params[i].entry.shape))
            return ev_bad(v, c, build.params[i].entry.name, "no such parameter, or of another shape");
        ev_leaf(&l, build.params[i].entry.name, t->v);
    }
    if (!ev_states(b, &build, &moves, c, &l, v)) return false;
    if (!dy || !ev_holds(v, b->ctx, c, b->g, y, &l, "out", b->tolerance)) return false;
    gr_val cotangent = gr_const_tensor(b->g, dy->shape, dy->v), slope;
    for (int i = 0; i < n_in; i++) {
        if (gr_pullback(b->g, &y, &cotangent, 1, &in[i], 1, &slope) != GR_OK)
            return ev_failed(v, b->ctx, c, "gradient");
        if (!ev_holds(v, b->ctx, c, b->g, slope, &l, slopes[i], b->tolerance)) return false;
    }
    for (size_t i = 0; i < build.n_params; i++) {
        char name[32];
        gr_val leaf = gr_param(b->g, build.params[i].entry.name, build.params[i].entry.shape);
        snprintf(name, sizeof name, "d%s", build.params[i].entry.name + 2);
        if (gr_pullback(b->g, &y, &cotangent, 1, &leaf, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
        if (!ev_holds(v, b->ctx, c, b->g, slope, &l, name, b->tolerance)) return false;
    }
    return true;
}

/* ---- costs ---- */

static inline gr_shape ev_sample(gr_shape batch)
{
    gr_shape sample = {.rank = batch.rank - 1};
    for (int i = 1; i < batch.rank; i++) sample.dim[i - 1] = batch.dim[i];
    return sample;
}

/* The member's plain arithmetic of one sample agrees with the evidence too, and its weights. */
static inline bool ev_reference(const ev_bench *b, const gr_cost *m, const gr_settings *s, const ev_case *c, verdict *v)
{
    const ev_tensor *z = ev_find(c, "output"), *y = ev_find(c, "target"), *each = ev_find(c, "each_evaluate"),
                    *weight = ev_find(c, "weight");
    int64_t rows = z->shape.dim[0], n = z->n / rows;
    bool classes = m->reading(ev_sample(z->shape)).target == GR_FORM_CLASS;
    double *got = calloc((size_t)(rows + n), sizeof *got), *hot = got + rows;
    for (int64_t i = 0; i < rows; i++) {
        int64_t label = classes ? (int64_t)y->v[i] : 0;
        for (int64_t k = 0; k < n; k++) hot[k] = !classes ? y->v[i * n + k] : n == 1 ? y->v[i] : k == label;
        double w = m->weigh ? m->weigh(s, NULL, label) : 1;
        if (weight && w != weight->v[i]) got[i] = NAN;
        got[i] += w * m->reference(s, z->v + i * n, hot, n);
    }
    bool ok = ev_near(v, c, "reference", got, each->v, rows, b->tolerance);
    free(got);
    return ok;
}

static inline bool ev_cost_case(ev_bench *b, const gr_cost *m, const ev_case *c, verdict *v)
{
    gr_settings s;
    ev_leaves l = {.backend = b->backend};
    gr_build build = {.ctx = b->ctx, .g = b->g, .mode = GR_MODE_TRAIN, .memory = b->memory, .layer = "cost"};
    const ev_tensor *z = ev_find(c, "output"), *y = ev_find(c, "target");
    if (!z || !y || gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, NULL, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    gr_val output = gr_feed(b->g, "output", GR_REAL, z->shape),
           target = gr_feed(b->g, "target", m->reading(ev_sample(z->shape)).target == GR_FORM_CLASS ? GR_I32 : GR_REAL,
                            y->shape);
    ev_leaf(&l, "output", z->v);
    ev_leaf(&l, "target", y->v);
    if (m->check && !m->check(&build, &s, ev_sample(z->shape), 0)) return ev_failed(v, b->ctx, c, "check");
    gr_cost_value cost = m->build(&build, &s, output, target, true),
                  evaluated = m->build(&build, &s, output, target, false);
    if (!ev_holds(v, b->ctx, c, b->g, cost.each, &l, "each", b->tolerance)) return false;
    if (!ev_holds(v, b->ctx, c, b->g, evaluated.each, &l, "each_evaluate", b->tolerance)) return false;
    if ((cost.weight != GR_NONE) != (ev_find(c, "weight") != NULL))
        return ev_bad(v, c, "weight", "given by one of member and evidence only");
    if (cost.weight && !ev_holds(v, b->ctx, c, b->g, cost.weight, &l, "weight", b->tolerance)) return false;
    gr_val count = cost.weight ? gr_sum_all(b->g, cost.weight) : gr_const(b->g, (double)z->shape.dim[0]), slope;
    gr_val mean = gr_div(b->g, gr_sum_all(b->g, cost.each), count);
    if (!ev_holds(v, b->ctx, c, b->g, mean, &l, "mean", b->tolerance)) return false;
    if (gr_gradients(b->g, mean, &output, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
    if (m->reference && !b->backend && !ev_reference(b, m, &s, c, v)) return false;
    return ev_holds(v, b->ctx, c, b->g, slope, &l, "doutput", b->tolerance) &&
           ev_holds(v, b->ctx, c, b->g, m->predict(&build, &s, output), &l, "prediction", b->tolerance);
}

/* ---- optimizers ---- */

typedef struct ev_setup { /* what an update is made of; pointers may be NULL, but for optim */
    const gr_optim *optim;
    int phase;
    bool curved; /* with feeds "z0", "hz0" of the first parameter, and so on */
    const gr_clip *clip;
    const gr_penalties *penalties;
    const gr_groups *groups;
} ev_setup;

enum { EV_PARAMS = 4 };

/* Adds the update of n parameters to g. */
static inline gr_status ev_update(gr_graph *g, gr_store *store, const ev_setup *s, const gr_param_info *params,
                                  const gr_val *leaves, const gr_val *grads, size_t n, gr_val count, gr_val lr,
                                  gr_update_values *out)
{
    gr_val z[EV_PARAMS], hz[EV_PARAMS];
    for (size_t i = 0; s->curved && i < n && i < EV_PARAMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "z%d", (int)i);
        z[i] = gr_feed(g, name, GR_REAL, params[i].entry.shape);
        snprintf(name, sizeof name, "hz%d", (int)i);
        hz[i] = gr_feed(g, name, GR_REAL, params[i].entry.shape);
    }
    gr_update_spec u = {.optim = s->optim,
                        .phase = s->phase,
                        .clip = s->clip,
                        .penalties = s->penalties,
                        .groups = s->groups,
                        .params = params,
                        .leaves = leaves,
                        .grads = grads,
                        .n = n,
                        .count = count,
                        .lr = lr,
                        .rademacher = s->curved ? z : NULL,
                        .curvature = s->curved ? hz : NULL};
    return gr__optim_build(g, store, &u, out);
}

static inline gr_param_info ev_param(const ev_case *c, gr_shape shape)
{
    bool conv = strcmp(ev_word(c, "layout"), "conv") == 0;
    return (gr_param_info){.entry = {.name = "p",
                                     .shape = shape,
                                     .role = strcmp(ev_word(c, "role"), "bias") == 0 ? GR_ROLE_BIAS : GR_ROLE_WEIGHT,
                                     .layout = !conv             ? GR_LAYOUT_PLAIN
                                               : shape.rank == 3 ? GR_LAYOUT_CONV1D
                                                                 : GR_LAYOUT_CONV}};
}

/* The group that the case puts its parameter in; n 0: none. */
static inline gr_groups ev_groups(const ev_case *c, gr_group *room)
{
    const char *scale = ev_word(c, "lr_scale"), *decay = ev_word(c, "group_weight_decay");
    *room = (gr_group){.match = "*",
                       .lr_scale = scale[0] ? strtod(scale, NULL) : 1,
                       .weight_decay = decay[0] ? strtod(decay, NULL) : (double)NAN};
    return (gr_groups){room, scale[0] || decay[0]};
}

/* One parameter "p" and the slots that its update has: what a store keeps between updates. Methods that want curvature
 * are given signs z and sums of H z in the updates that ask for them. */
typedef struct ev_trainer {
    gr_context *ctx;
    const gr_optim *optim;
    gr_graph *g[2]; /* an update without curvature, and with it; NULL: there is none */
    gr_store *store;
    double *value[16]; /* p first, then the slots in the store's order */
    char name[16][64];
    int n;
    int64_t step;
    double lr, count;
    double *g_sum, *z, *hz_sum; /* z, hz_sum: read in updates with curvature */
    gr_val norm[2];
} ev_trainer;

static inline bool ev_trainer_graph(ev_trainer *t, const ev_setup *s, const gr_param_info *p)
{
    gr_graph **g = &t->g[s->curved];
    if (gr_graph_create(t->ctx, g) != GR_OK) return false;
    gr_val leaf = gr_param(*g, p->entry.name, p->entry.shape), grad = gr_feed(*g, "g", GR_REAL, p->entry.shape);
    gr_val count = gr_feed(*g, "count", GR_REAL, GR_SCALAR), lr = gr_feed(*g, "lr", GR_REAL, GR_SCALAR);
    gr_update_values values;
    bool ok = ev_update(*g, t->store, s, p, &leaf, &grad, 1, count, lr, &values) == GR_OK;
    t->norm[s->curved] = values.norm;
    return ok;
}

static inline double *ev_zeros(int64_t n)
{
    return calloc((size_t)n + 1, sizeof(double));
}

static inline void ev_trainer_value(ev_trainer *t, const char *name, int64_t count, double initial)
{
    assert_true(t->n < (int)GR_COUNT(t->value));
    snprintf(t->name[t->n], sizeof t->name[0], "%s", name);
    t->value[t->n] = ev_zeros(count);
    for (int64_t k = 0; k < count; k++) t->value[t->n][k] = initial;
    t->n++;
}

static inline bool ev_trainer_open(ev_trainer *t, gr_context *ctx, const ev_setup *setup, gr_param_info p)
{
    ev_setup s = *setup;
    const gr_method *m = &s.optim->method[0];
    int64_t every = m->member->curvature_every ? m->member->curvature_every(&m->settings) : 0,
            n = gr_shape_count(p.entry.shape);
    *t = (ev_trainer){.ctx = ctx, .optim = s.optim, .count = 1};
    if (gr_store_create(ctx, gr_backend_get("ref"), &t->store) != GR_OK) return false;
    for (int curved = 0; curved < 2; curved++) {
        s.curved = curved;
        if ((curved ? every > 0 : every != 1) && !ev_trainer_graph(t, &s, &p)) return false;
    }
    t->g_sum = ev_zeros(n), t->z = ev_zeros(n), t->hz_sum = ev_zeros(n);
    ev_trainer_value(t, p.entry.name, n, 0);
    for (int i = 0; i < gr_store_count(t->store); i++) {
        const gr_entry *e = gr_store_entry(t->store, i);
        ev_trainer_value(t, e->spec.name, e->count, e->spec.initial);
    }
    return true;
}

static inline void ev_trainer_close(ev_trainer *t)
{
    for (int i = 0; i < t->n; i++) free(t->value[i]);
    free(t->g_sum), free(t->z), free(t->hz_sum);
    gr_store_destroy(t->store);
    gr_graph_destroy(t->g[0]), gr_graph_destroy(t->g[1]);
}

static inline double *ev_trainer_find(const ev_trainer *t, const char *name)
{
    for (int k = 0; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0) return t->value[k];
    return NULL;
}

/* One update with t->g_sum, t->lr, t->count: every assign is evaluated from the old values, then all are written. norm
 * may be NULL. */
static inline bool ev_trainer_step(ev_trainer *t, double *norm)
{
    ev_leaves l = {0};
    int curved = gr__optim_curvature(t->optim, &(gr_clock){.step = t->step});
    gr_graph *g = t->g[curved];
    gr_effects fx = gr__graph_effects(g);
    double *fresh[16] = {0};
    bool ok = fx.n_assigns <= GR_COUNT(fresh);
    for (int i = 0; i < t->n; i++) ev_leaf(&l, t->name[i], t->value[i]);
    ev_leaf(&l, "g", t->g_sum), ev_leaf(&l, "lr", &t->lr), ev_leaf(&l, "count", &t->count);
    if (curved) ev_leaf(&l, "z0", t->z), ev_leaf(&l, "hz0", t->hz_sum);
    for (size_t i = 0; ok && i < fx.n_assigns; i++) ok = (fresh[i] = ev_value(g, fx.assigns[i].value, &l)) != NULL;
    if (ok && norm) ok = gr__eval(g, &t->norm[curved], 1, ev_get_leaf, &l, &norm) == GR_OK;
    for (size_t i = 0; i < fx.n_assigns && i < GR_COUNT(fresh); i++) {
        double *to = ev_trainer_find(t, gr__producer(g, fx.assigns[i].target)->attr.name);
        if (ok && to)
            memcpy(to, fresh[i], sizeof(double) * (size_t)gr_shape_count(gr_shape_of(g, fx.assigns[i].target)));
        free(fresh[i]);
    }
    t->step += ok;
    return ok;
}

static inline void ev_trainer_feed(ev_trainer *t, const ev_case *c, int64_t step)
{
    const ev_tensor *w0 = ev_find(c, "w0"), *z = ev_find(c, "z"), *hz = ev_find(c, "hz");
    size_t bytes = sizeof(double) * (size_t)w0->n;
    memcpy(t->g_sum, ev_find(c, "g")->v + step * w0->n, bytes);
    if (z && hz) memcpy(t->z, z->v + step * w0->n, bytes), memcpy(t->hz_sum, hz->v + step * w0->n, bytes);
    t->lr = ev_find(c, "lr")->v[step], t->count = ev_number(c, "count");
}

static inline bool ev_optimizer_case(ev_bench *b, const gr_optimizer *m, const ev_case *c, verdict *v)
{
    gr_optim o;
    gr_group group;
    gr_groups groups = ev_groups(c, &group);
    ev_trainer t = {0};
    const ev_tensor *w0 = ev_find(c, "w0"), *lr = ev_find(c, "lr"), *w = ev_find(c, "w");
    if (!w0 || !ev_find(c, "g") || !lr || !w) return ev_bad(v, c, "evidence", "w0, g, lr or w is missing");
    if (m->curvature_every && (!ev_find(c, "z") || !ev_find(c, "hz")))
        return ev_bad(v, c, "evidence", "z or hz is missing");
    if (gr__optim_make(b->ctx, b->memory, b->tree, GR_PRESET_CHAPTER, &o) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    o.method[0].member = m; /* wrong members stand in for the one they imitate */
    bool ok = ev_trainer_open(&t, b->ctx, &(ev_setup){.optim = &o, .groups = &groups}, ev_param(c, w0->shape));
    if (!ok) ev_failed(v, b->ctx, c, "graph");
    if (ok) memcpy(t.value[0], w0->v, sizeof(double) * (size_t)w0->n);
    for (int64_t k = 0; ok && k < lr->n; k++) {
        char what[48];
        snprintf(what, sizeof what, "weights after update %d", (int)k + 1);
        ev_trainer_feed(&t, c, k);
        ok = ev_trainer_step(&t, NULL) || ev_failed(v, b->ctx, c, what);
        ok = ok && ev_near(v, c, what, t.value[0], w->v + k * w0->n, w0->n, b->tolerance);
    }
    ev_trainer_close(&t);
    return ok;
}

/* ---- penalties ---- */

static inline bool ev_penalty_case(ev_bench *b, const gr_penalty *m, const ev_case *c, verdict *v)
{
    const ev_tensor *w = ev_find(c, "w"), *threshold = ev_find(c, "threshold");
    ev_leaves l = {.backend = b->backend};
    if (!w) return ev_bad(v, c, "evidence", "w is missing");
    gr_val leaf = gr_param(b->g, "w", w->shape), value = m->value(b->g, leaf), slope;
    ev_leaf(&l, "w", w->v);
    if (!ev_holds(v, b->ctx, c, b->g, value, &l, "value", b->tolerance)) return false;
    if (gr_gradients(b->g, value, &leaf, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
    if (!ev_holds(v, b->ctx, c, b->g, slope, &l, "slope", b->tolerance)) return false;
    if ((m->proximal != NULL) != (threshold != NULL))
        return ev_bad(v, c, "proximal", "given by one of member and evidence only");
    if (!threshold) return true;
    ev_leaf(&l, "threshold", threshold->v);
    gr_val after = m->proximal(b->g, leaf, gr_feed(b->g, "threshold", GR_REAL, GR_SCALAR));
    return ev_holds(v, b->ctx, c, b->g, after, &l, "proximal", b->tolerance);
}

/* ---- schedules ---- */

/* Evaluations of a case, one each `every` updates; false: the member stopped where the evidence goes on, or the other
 * way round. */
static inline bool ev_observe(const ev_case *c, const gr_sched *s, const gr_rate *r, double *state)
{
    const ev_tensor *train = ev_find(c, "train"), *validation = ev_find(c, "validation");
    int64_t every = train ? (int64_t)ev_number(c, "every") : 0, k = every ? r->t / every - 1 : -1;
    if (!every || r->t % every != 0 || k >= train->n) return true;
    gr_observation o = {.train_cost = train->v[k], .validation_error = validation ? validation->v[k] : (double)NAN};
    return gr__sched_observe(s, r, &o, state) == (ev_find(c, "stop") && ev_number(c, "stop") == (double)(k + 1));
}

static inline bool ev_schedule_case(ev_bench *b, const gr_schedule *m, const ev_case *c, verdict *v)
{
    gr_sched s;
    double state[GR_SCHEDULE_STATE];
    const ev_tensor *rate = ev_find(c, "rate");
    gr_rate r = {.lr = ev_number(c, "lr"),
                 .total = (int64_t)ev_number(c, "total"),
                 .updates_per_epoch = ev_number(c, "updates_per_epoch"),
                 .state = state};
    if (!rate || gr__sched_make(b->ctx, b->memory, b->tree, GR_PRESET_CHAPTER, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    s.member = m;
    gr__sched_begin(&s, state);
    if (gr__sched_check_rate(b->ctx, &s, r.lr) != GR_OK) return ev_failed(v, b->ctx, c, "rate");
    if (gr__sched_check(b->ctx, &s, &r) != GR_OK) return ev_failed(v, b->ctx, c, "check");
    for (r.t = 0; r.t < rate->n; r.t++) {
        char what[48];
        snprintf(what, sizeof what, "rate of update %d", (int)r.t);
        if (r.t && !ev_observe(c, &s, &r, state))
            return ev_bad(v, c, what, "training stops at another evaluation than in the evidence");
        double got = gr__sched_rate(&s, &r);
        if (!ev_near(v, c, what, &got, &rate->v[r.t], 1, b->tolerance)) return false;
    }
    return true;
}

/* ---- initialisers ---- */

static inline int ev_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double ev_normal_cdf(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* The distribution's own probability of a value below x. */
static inline double ev_cdf(const char *shape, double mean, double std, double bound, double x)
{
    if (strcmp(shape, "uniform") == 0) return (x + bound) / (2 * bound);
    if (strcmp(shape, "normal") == 0) return ev_normal_cdf((x - mean) / std);
    double tail = ev_normal_cdf(-2);
    return (ev_normal_cdf(2 * x / bound) - tail) / (1 - 2 * tail);
}

/* Kolmogorov and Smirnov's distance between sorted values and the distribution, times sqrt(n): above 1.95 once in a
 * thousand. */
static inline double ev_ks(const char *shape, double mean, double std, double bound, const double *sorted, int64_t n)
{
    double distance = 0;
    for (int64_t i = 0; i < n; i++) {
        double p = ev_cdf(shape, mean, std, bound, sorted[i]);
        distance = fmax(distance, fmax((double)(i + 1) / (double)n - p, p - (double)i / (double)n));
    }
    return distance * sqrt((double)n);
}

static inline gr_follow ev_follow(const char *word)
{
    static const char *const words[] = {"nothing", "relu", "leaky", "sigmoid", "tanh"};
    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) return (gr_follow)i;
    return GR_FOLLOW_NOTHING;
}

static inline gr_param_info ev_init_param(const ev_case *c, int64_t n)
{
    return (gr_param_info){.entry = {.name = "l.weight", .shape = GR_SHAPE(n)},
                           .fan_in = strtoll(ev_word(c, "fan_in"), NULL, 10),
                           .fan_out = strtoll(ev_word(c, "fan_out"), NULL, 10),
                           .follow = ev_follow(ev_word(c, "follow")),
                           .slope = strtod(ev_word(c, "slope"), NULL)};
}

static inline bool ev_moments(const ev_case *c, verdict *v, double *x, int64_t n)
{
    double mean = ev_number(c, "mean"), std = ev_number(c, "std"), bound = ev_number(c, "bound"), sum = 0, squares = 0,
           largest = 0;
    const char *shape = ev_word(c, "shape");
    for (int64_t i = 0; i < n; i++) sum += x[i], largest = fmax(largest, fabs(x[i]));
    for (int64_t i = 0; i < n; i++) squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
    double got_std = sqrt(squares / (double)n), error = fabs(sum / (double)n - mean);
    if (strcmp(shape, "constant") == 0)
        return largest == bound && x[0] == mean && x[n - 1] == mean ? true : ev_bad(v, c, "values", "not the constant");
    if (!(error <= 4 * std / sqrt((double)n))) return ev_bad(v, c, "mean", "too far from the evidence's");
    if (!(fabs(got_std / std - 1) < 0.005)) return ev_bad(v, c, "std", "not within half a percent");
    if (!(largest <= bound * (1 + 1e-9))) return ev_bad(v, c, "bound", "a value is beyond it");
    if (isfinite(bound) && !(largest > 0.999 * bound)) return ev_bad(v, c, "bound", "values stay well below it");
    qsort(x, (size_t)n, sizeof *x, ev_ascending);
    return ev_ks(shape, mean, std, bound, x, n) < 1.95
               ? true
               : ev_bad(v, c, "distribution", "another one, says Kolmogorov-Smirnov");
}

static inline bool ev_init_case(ev_bench *b, const gr_init *m, const ev_case *c, verdict *v)
{
    enum { N = 1000000 };
    gr_settings s;
    gr_param_info p = ev_init_param(c, N);
    gr__rng rng = gr__rng_make(7, "init/l.weight", 0, 0);
    gr_init_target t = {.param = &p, .count = N, .rng = &rng};
    double *x = malloc(sizeof *x * N);
    bool ok = x && gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, NULL, &s) == GR_OK &&
              gr__init_values(b->ctx, m, &s, &t, x) == GR_OK;
    ok = ok ? ev_moments(c, v, x, N) : ev_failed(v, b->ctx, c, "fill");
    free(x);
    return ok;
}

/* ---- whole members: bool check_layer(m, evidence, verdict) and so on; check_layer_on and check_cost_on run plans of a
 * backend ---- */

#define EV_CHECK(family, name, backend_arg, backend_of, tolerance_of)                        \
    static inline bool name(const gr_##family *m, const evidence *e backend_arg, verdict *v) \
    {                                                                                        \
        bool ok = true;                                                                      \
        for (int i = 0; ok && i < e->n; i++) {                                               \
            ev_bench b;                                                                      \
            ok = ev_begin(&b, e->c[i].set) || ev_bad(v, &e->c[i], "set", "cannot be read");  \
            b.backend = backend_of, b.tolerance = tolerance_of;                              \
            ok = ok && ev_##family##_case(&b, m, &e->c[i], v);                               \
            ev_end(&b);                                                                      \
        }                                                                                    \
        return ok;                                                                           \
    }
#define EV_ON , const gr_backend *backend, double tolerance
#define EV_EVALUATED
EV_CHECK(layer, check_layer, EV_EVALUATED, NULL, 1e-10)
EV_CHECK(cost, check_cost, EV_EVALUATED, NULL, 1e-10)
EV_CHECK(optimizer, check_optimizer, EV_EVALUATED, NULL, 1e-12)
EV_CHECK(schedule, check_schedule, EV_EVALUATED, NULL, 1e-12)
EV_CHECK(init, check_init, EV_EVALUATED, NULL, 1e-10)
EV_CHECK(penalty, check_penalty, EV_EVALUATED, NULL, 1e-12)
EV_CHECK(layer, check_layer_on, EV_ON, backend, tolerance)
EV_CHECK(cost, check_cost_on, EV_ON, backend, tolerance)
EV_CHECK(penalty, check_penalty_on, EV_ON, backend, tolerance)

#endif
