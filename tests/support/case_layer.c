/* Layers: outputs, gradients of inputs and parameters, and what training makes of the states. */
#include "support/case_layer.h"

enum { EV_INPUTS = 4, EV_STATES = 16 };

typedef struct ev_moves { /* what the layer says of its statistics */
    gr_graph *g;
    int n;
    struct {
        const gr_entry_spec *state;
        gr_val next;
    } of[EV_STATES];
} ev_moves;

static void ev_move(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    ev_moves *m = user;
    assert_true(m->n < EV_STATES);
    m->of[m->n].state = s;
    m->of[m->n++].next = gr__statistic(m->g, gr_slot(m->g, s->name, s->shape), batch, share);
}

/* States stand under their names, and what training makes of them under new_NAME. */
static bool ev_states(ev_bench *b, const gr_build *build, const ev_moves *m, const ev_case *c, ev_leaves *l, verdict *v)
{
    for (size_t i = 0; i < build->n_states; i++) {
        const ev_tensor *t = ev_find(c, build->states[i].name + 2);
        if (!t || !gr__shape_equal(t->shape, build->states[i].shape))
            return ev_bad(v, c, build->states[i].name, "no such state, or of another shape");
        ev_leaf(l, build->states[i].name, t->v);
    }
    int told = 0;
    for (size_t i = 0; i < build->n_states; i++) {
        char name[64];
        snprintf(name, sizeof name, "new_%s", build->states[i].name + 2);
        told += ev_find(c, name) != NULL;
    }
    if (m->n != told) return ev_bad(v, c, "states", "training says something of more or fewer than the evidence");
    for (int i = 0; i < m->n; i++) {
        char name[64];
        snprintf(name, sizeof name, "new_%s", m->of[i].state->name + 2);
        if (!ev_holds(v, b->ctx, c, b->g, m->of[i].next, l, name, b->tolerance)) return false;
    }
    return true;
}

static bool ev_layer_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_layer *m = member;
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
        build.updates = strtod(ev_word(c, "updates"), NULL);
        ev_leaf(&l, "seed", &seed), ev_leaf(&l, "update", &update), ev_leaf(&l, "position", &position);
    }
    const ev_tensor *lengths = ev_find(c, "lengths");
    if (lengths) {
        build.lengths = gr_feed(b->g, "lengths", GR_I32, lengths->shape);
        ev_leaf(&l, "lengths", lengths->v);
    }
    gr_val in[EV_INPUTS];
    int n_in = 0;
    static const char *const names[EV_INPUTS] = {"in0", "in1", "in2", "in3"}, *const slopes[EV_INPUTS] = {
                                                                                  "din0", "din1", "din2", "din3"};
    for (const ev_tensor *t; n_in < EV_INPUTS && (t = ev_find(c, names[n_in])); n_in++) {
        in[n_in] = gr_feed(b->g, names[n_in], m->vocabulary ? GR_I32 : GR_REAL, t->shape);
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
    for (int i = 0; i < n_in && !m->vocabulary; i++) {
        if (gr_pullback(b->g, &y, &cotangent, 1, &in[i], 1, &slope) != GR_OK)
            return ev_failed(v, b->ctx, c, "gradient");
        if (!ev_holds(v, b->ctx, c, b->g, slope, &l, slopes[i], b->tolerance)) return false;
    }
    for (size_t i = 0; i < build.n_params; i++) {
        char name[64];
        gr_val leaf = gr_param(b->g, build.params[i].entry.name, build.params[i].entry.shape);
        snprintf(name, sizeof name, "d%s", build.params[i].entry.name + 2);
        if (gr_pullback(b->g, &y, &cotangent, 1, &leaf, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
        if (!ev_holds(v, b->ctx, c, b->g, slope, &l, name, b->tolerance)) return false;
    }
    return true;
}

bool check_layer(const gr_layer *m, const evidence *e, verdict *v)
{
    return ev_check(ev_layer_case, m, e, NULL, 1e-10, v);
}

bool check_layer_on(const gr_layer *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v)
{
    return ev_check(ev_layer_case, m, e, backend, tolerance, v);
}
