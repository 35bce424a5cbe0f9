/* Which initialiser a parameter gets, and its numbers: always from the parameter's own stream, in memory order. */
#include <string.h>

#include "base/text.h"
#include "init/init.h"

enum { OWN_ROWS = 2 }; /* what a layer's own `init:` takes: the first rows */

static const gr_row common_rows[] = {
    GR_ROW("weights", TREE, "none", "an initialiser", "",
           "of weights; unless given, Kaiming's, or Xavier's where sigmoid, tanh or nothing follows"),
    GR_ROW("bias", TREE, "zeros", "an initialiser", "", "of biases"),
    GR_ROW("last_bias", CHOICE, "none", "zeros|auto", "",
           "of the layer that gives the outputs, instead of `bias`; auto: by the training targets, so that a network "
           "that knows nothing yet "
           "predicts how often each class is, or the mean value"),
    GR_ROW("relu_bias", REAL, "0", "[0,inf)", "1",
           "above 0: of layers before a ReLU, instead of `bias`; a small number keeps units alive"),
    GR_ROW("lstm", TREE, "none", "{forget_bias, input_bias, output_bias}", "",
           "biases of the gates of LSTM layers, instead of `bias`: settings of the initialiser lstm"),
};
GR_COMMON(init_section) = {
    .family = "recipe",
    .name = "init",
    .title = "Initial values; a layer's own `init` has weights and bias alone",
    .cite = "He et al. 2015; Glorot & Bengio 2010; Karpathy 2019",
    .equations = "last_bias: auto   softmax: b_k = log(n_k / N)      sigmoid: b = log(n_1 / n_0)      values: b_k = "
                 "mean of y_k\n"
                 "a class without targets counts (n + 1/2) / (N + 1), with a warning",
    GR_ROWS(common_rows),
};
static const gr_member own_common = {.family = "init", .name = "init", .rows = common_rows, .n_rows = OWN_ROWS};

static gr_status make(gr_context *ctx, gr__bump *b, const gr_tree *tree, const char *fallback, bool bias, int gates,
                      gr_preset preset, const gr_init **member, gr_settings *s)
{
    *member = (const gr_init *)gr__family_find(ctx, &gr__family_init, "initialiser", tree, fallback);
    if (!*member) return gr__error_code(ctx);
    if (bias && (*member)->weights_only)
        return gr__tree_fail(ctx, tree, GR_E_CONFLICT,
                             "bias: zeros | {type: constant, value: 0.01} | {type: uniform, bound: fan}",
                             "%s is for weights, not for biases", (*member)->head.name);
    gr_status st = gr__settings_make(ctx, b, &(*member)->head, tree, preset, NULL, s);
    if (st == GR_OK && (*member)->gate_biases && gates != 4)
        return gr__tree_fail(ctx, tree, GR_E_CONFLICT, "write init: {lstm: {forget_bias: 1}}",
                             "%s is for biases of LSTM layers alone", (*member)->head.name);
    return st == GR_OK && (*member)->check ? (*member)->check(ctx, s) : st;
}

/* ---- the choice ---- */

/* Normalisations start as scale 1 and shift 0, whatever the recipe says of weights and biases: only their layer's own
 * `init` is theirs. */
static bool normalises(const gr_param_info *p)
{
    return p->entry.role == GR_ROLE_NORM_SCALE || p->entry.role == GR_ROLE_NORM_SHIFT;
}

bool gr__init_adds(const gr_param_info *p)
{
    return p->is_bias || p->entry.role == GR_ROLE_NORM_SHIFT;
}

static const char *default_for(const gr_param_info *p)
{
    if (gr__init_adds(p)) return "zeros";
    return p->follow == GR_FOLLOW_RELU || p->follow == GR_FOLLOW_LEAKY ? "kaiming" : "xavier";
}

/* What `last_bias` and `relu_bias` say of a bias: a tree to make a member from, NULL: nothing. */
static gr_status special_bias(gr_context *ctx, gr__bump *b, const gr_init_from *from, const gr_param_info *p,
                              const gr_tree **tree)
{
    gr_settings common;
    gr_status st = gr__settings_make(ctx, b, &gr__init_section, from->tree, from->preset, NULL, &common);
    if (st != GR_OK) return st;
    double relu = gr__setting_real(&common, "relu_bias");
    *tree = NULL;
    if (p->last && gr__setting_tree(&common, "last_bias")) {
        *tree = gr__setting_tree(&common, "last_bias");
    } else if (p->follow == GR_FOLLOW_RELU &&
               relu > 0) { /* also the shift of a normalisation, which takes the mean of a bias before it away */
        char number[32];
        const char *text = gr__bump_format(b, "{type: constant, value: %s}", gr__double_text(relu, number));
        *tree = text ? gr__tree_flow(b, text) : NULL;
        if (!*tree) return GR_E_MEMORY;
    }
    return GR_OK;
}

const gr_tree *gr__init_last_bias_auto(const gr_tree *tree)
{
    const gr_tree *t = tree ? gr__tree_get(tree, "last_bias") : NULL;
    return t && t->kind == GR_TREE_TEXT && strcmp(t->text, "auto") == 0 ? t : NULL;
}

/* The initialiser that the parameter starts with unless one is asked for; the recipe may set its numbers by its name.
 * False: no memory. */
static bool usual(gr__bump *b, const gr_init_from *from, const gr_param_info *p, const gr_tree **t)
{
    if (!p->usual) return true;
    const gr_tree *said = from->tree ? gr__tree_get(from->tree, p->usual) : NULL;
    *t = said && !gr__tree_none(said) ? said : gr__tree_flow(b, p->usual);
    return *t != NULL;
}

gr_status gr__init_choose(gr_context *ctx, gr__bump *b, const gr_init_from *from, const gr_param_info *p,
                          gr_init_choice *out)
{
    const char *key = gr__init_adds(p) ? "bias" : "weights";
    const gr_tree *t = p->init ? gr__tree_get(p->init, key) : NULL;
    gr_status st = !t && gr__init_adds(p) && !p->settled ? special_bias(ctx, b, from, p, &t) : GR_OK;
    if (st != GR_OK) return st;
    if (!t && from->tree && !normalises(p) && !p->settled) t = gr__tree_get(from->tree, key);
    *out = (gr_init_choice){.asked = t != NULL};
    if (!t && !usual(b, from, p, &t)) return GR_E_MEMORY;
    if (!t && p->entry.role == GR_ROLE_NORM_SCALE && !(t = gr__tree_flow(b, "{type: constant, value: 1}")))
        return GR_E_MEMORY;
    if (t && t == gr__init_last_bias_auto(from->tree)) return GR_OK;
    int gates = gr__init_adds(p) ? (int)p->blocks : 0;
    return make(ctx, b, t, p->usual ? p->usual : default_for(p), gr__init_adds(p), gates, from->preset, &out->member,
                &out->settings);
}

gr_tree *gr__init_choice_tree(gr__bump *b, const gr_init_choice *c)
{
    return c->member ? gr__settings_tree(b, &c->settings) : gr__tree_text(b, "auto");
}

/* ---- the numbers ---- */

uint64_t gr__init_work(const gr_init_choice *c, const gr_param_info *p)
{
    return c->member && c->member->work ? c->member->work(p) : 0;
}

/* Numbers in memory order go out in pieces, so that none of a large tensor's stand anywhere twice. */
static gr_status in_pieces(gr_context *ctx, const gr_init *m, const gr_settings *s, const gr_init_target *t,
                           const gr_init_sink *to)
{
    enum { PIECE = 4096 };
    double *piece = gr__alloc(ctx, sizeof *piece * PIECE);
    gr_status st = piece ? GR_OK : GR_E_MEMORY;
    for (int64_t at = 0; at < t->count && st == GR_OK; at += PIECE) {
        gr_init_target next = {.param = t->param, .count = GR_MIN(t->count - at, PIECE), .rng = t->rng};
        st = m->fill(ctx, s, &next, piece);
        if (st == GR_OK) to->put(to->user, at, 1, next.count, piece);
    }
    gr__free(ctx, piece, sizeof *piece * PIECE);
    return st;
}

/* The biases of `last_bias: auto`: one an output. */
static gr_status fill_auto(gr_context *ctx, const gr_init_from *from, int64_t count, const gr_init_sink *to)
{
    double *values = gr__alloc(ctx, sizeof *values * (size_t)count);
    if (!values) return GR_E_MEMORY;
    gr__init_last_bias(ctx, from->targets, from->prediction, count, values);
    to->put(to->user, 0, 1, count, values);
    gr__free(ctx, values, sizeof *values * (size_t)count);
    return GR_OK;
}

/* Elements that start as 0, written after the others. */
static void fill_blank(const gr_param_info *p, const gr_init_sink *to)
{
    static const double zeros[64];
    for (int64_t i = 0; i < p->n_blank; i += 64)
        to->put(to->user, p->blank_at + i, 1, GR_MIN(p->n_blank - i, 64), zeros);
}

static gr_status fill_choice(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, const gr_init_choice *c,
                             void *work, const gr_init_sink *to)
{
    int64_t count = gr_shape_count(p->entry.shape);
    if (!c->member) return fill_auto(ctx, from, count, to);
    char *stream = gr__format(ctx, "init/%s", p->entry.name);
    if (!stream) return GR_E_MEMORY;
    gr__rng rng = gr__rng_make(from->seed, stream, 0, 0);
    gr__strfree(ctx, stream);
    const gr_init_target t = {.param = p, .count = count, .rng = &rng};
    if (c->member->spread) return c->member->spread(&c->settings, &t, work, to);
    return in_pieces(ctx, c->member, &c->settings, &t, to);
}

gr_status gr__init_fill(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, const gr_init_choice *c,
                        void *work, const gr_init_sink *to)
{
    gr_status st = fill_choice(ctx, from, p, c, work, to);
    if (st == GR_OK) fill_blank(p, to);
    return st;
}

static void put_in_array(void *user, int64_t first, int64_t stride, int64_t n, const double *values)
{
    double *to = (double *)user + first;
    for (int64_t i = 0; i < n; i++) to[i * stride] = values[i];
}

gr_status gr__init_values(gr_context *ctx, const gr_init *m, const gr_settings *s, const gr_init_target *t,
                          double *values)
{
    if (!m->spread) return m->fill(ctx, s, t, values);
    size_t bytes = (size_t)m->work(t->param);
    void *work = gr__alloc(ctx, bytes);
    if (!work) return GR_E_MEMORY;
    gr_status st = m->spread(s, t, work, &(gr_init_sink){put_in_array, values});
    gr__free(ctx, work, bytes);
    return st;
}

gr_status gr__init_param(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, double *values)
{
    gr_init_choice c;
    void *work = NULL;
    size_t bytes = 0;
    gr_status st = GR_OK;
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr__init_choose(ctx, b, from, p, &c));
    bytes = (size_t)gr__init_work(&c, p);
    work = gr__alloc(ctx, bytes);
    GR_TRY(work ? GR_OK : GR_E_MEMORY);
    GR_TRY(gr__init_fill(ctx, from, p, &c, work, &(gr_init_sink){put_in_array, values}));
done:
    gr__free(ctx, work, bytes);
    gr__bump_destroy(b);
    return st;
}

/* ---- the settings ---- */

static gr_status resolve(gr_context *ctx, gr__bump *b, const gr_settings *common, const char *key, gr_preset preset,
                         gr_tree *out)
{
    const gr_tree *tree = gr__setting_tree(common, key);
    const gr_init *member;
    gr_settings s;
    if (!tree) return GR_OK;
    bool bias = key[0] != 'w';
    gr_status st = make(ctx, b, tree, bias && key[0] != 'b' ? key : NULL, bias, bias ? 4 : 0, preset, &member, &s);
    if (st != GR_OK) return st;
    gr_tree *full = gr__settings_tree(b, &s);
    return full && gr__tree_put(b, out, key, full) ? GR_OK : gr__error_code(ctx);
}

static gr_status resolve_map(gr_context *ctx, gr__bump *b, const gr_member *rows, const gr_tree *tree, gr_preset preset,
                             gr_tree **out)
{
    gr_settings common;
    gr_tree *full = gr__tree_map(b);
    gr_status st = full ? GR_OK : GR_E_MEMORY;
    if (tree && tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write init: {weights: kaiming, bias: zeros}",
                             "%s is not a map of initialisers", gr__tree_kind_name(tree));
    if (st == GR_OK) st = gr__settings_make(ctx, b, rows, tree, preset, NULL, &common);
    if (st == GR_OK) st = resolve(ctx, b, &common, "weights", preset, full);
    if (st == GR_OK) st = resolve(ctx, b, &common, "bias", preset, full);
    for (int i = OWN_ROWS; i < rows->n_rows && st == GR_OK; i++) { /* plain values, checked by their rows */
        if (rows->rows[i].kind == GR_ROW_TREE && common.value[i] && !gr__tree_none(common.value[i])) {
            st = resolve(ctx, b, &common, rows->rows[i].name, preset, full);
            continue;
        }
        const gr_tree *value = common.value[i];
        gr_tree *kept = value ? gr__tree_copy(b, value) : gr__tree_text(b, "none");
        if (!gr__tree_put(b, full, rows->rows[i].name, kept)) st = GR_E_MEMORY;
    }
    if (st == GR_OK) *out = full;
    return st;
}

gr_status gr__init_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out)
{
    return resolve_map(ctx, b, &gr__init_section, tree, preset, out);
}

gr_status gr__init_resolve_own(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out)
{
    return resolve_map(ctx, b, &own_common, tree, preset, out);
}
