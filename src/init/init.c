/* Which initialiser a parameter gets, and its numbers: always from the parameter's own stream, in memory order. */
#include <string.h>

#include "nn/families.h"

static const gr_row common_rows[] = {
    GR_ROW("weights", TREE, "none", "an initialiser", "",
           "of weights; unless given, Kaiming's, or Xavier's where sigmoid, tanh or nothing follows"),
    GR_ROW("bias", TREE, "zeros", "an initialiser", "", "of biases"),
};
const gr_member gr__init_common = {
    .family = "init",
    .name = "common",
    .title = "Initial values",
    .cite = "He et al. 2015; Glorot & Bengio 2010",
    .equations = "",
    GR_ROWS(common_rows),
};

static const gr_init *find(gr_context *ctx, const gr_tree *tree, const char *fallback)
{
    const gr_member *heads[128], *found;
    int n;
    const gr_init *const *all = gr__inits(&n);
    const char *name = gr__type_of(ctx, tree, "initialiser", fallback);
    n = GR_MIN(n, (int)GR_COUNT(heads));
    for (int i = 0; i < n; i++) heads[i] = &all[i]->head;
    if (!name || gr__member_find(ctx, "initialiser", heads, n, name, tree, &found) != GR_OK) return NULL;
    return (const gr_init *)found; /* head stands first */
}

static gr_status make(gr_context *ctx, gr__bump *b, const gr_tree *tree, const char *fallback, gr_preset preset, const gr_init **member,
                      gr_settings *s)
{
    *member = find(ctx, tree, fallback);
    return *member ? gr__settings_make(ctx, b, &(*member)->head, tree, preset, NULL, s) : gr__error_code(ctx);
}

static const char *default_for(const gr_param_info *p)
{
    if (p->is_bias) return "zeros";
    return p->follow == GR_FOLLOW_RELU || p->follow == GR_FOLLOW_LEAKY ? "kaiming" : "xavier";
}

gr_status gr__init_param(gr_context *ctx, const gr_tree *tree, gr_preset preset, uint64_t seed, const gr_param_info *p, double *values)
{
    const char *key = p->is_bias ? "bias" : "weights";
    const gr_tree *own = p->init ? gr__tree_get(p->init, key) : NULL, *all = tree ? gr__tree_get(tree, key) : NULL;
    const gr_init *member;
    gr_settings s;
    gr_status st = GR_OK;
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(make(ctx, b, own ? own : all, default_for(p), preset, &member, &s));
    const char *stream = gr__bump_format(b, "init/%s", p->entry.name);
    if (!stream) GR_TRY(GR_E_MEMORY);
    gr__rng rng = gr__rng_make(seed, stream, 0, 0);
    gr_init_target t = {.param = p, .count = gr_shape_count(p->entry.shape), .rng = &rng};
    GR_TRY(member->fill(ctx, &s, &t, values));
done:
    gr__bump_destroy(b);
    return st;
}

/* Units that start equal get equal gradients for ever: allowed, since one may want to see it, but said. */
static void warn_equal(gr_context *ctx, const gr_init *member)
{
    const char *name = member->head.name;
    if (strcmp(name, "constant") == 0 || strcmp(name, "zeros") == 0)
        gr__log(ctx, GR_LOG_WARNING, "init.weights: with %s all units of a layer start equal, stay equal, and learn nothing of their own",
                name);
}

static gr_status resolve(gr_context *ctx, gr__bump *b, const gr_settings *common, const char *key, gr_preset preset, gr_tree *out)
{
    const gr_tree *tree = gr__setting_tree(common, key);
    const gr_init *member;
    gr_settings s;
    if (!tree) return GR_OK;
    gr_status st = make(ctx, b, tree, NULL, preset, &member, &s);
    if (st != GR_OK) return st;
    if (key[0] == 'w') warn_equal(ctx, member);
    gr_tree *full = gr__settings_tree(b, &s);
    return full && gr__tree_put(b, out, key, full) ? GR_OK : gr__error_code(ctx);
}

gr_status gr__init_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_tree **out)
{
    gr_settings common;
    gr_tree *full = gr__tree_map(b);
    gr_status st = full ? GR_OK : GR_E_MEMORY;
    if (tree && tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write init: {weights: kaiming, bias: zeros}", "%s is not a map of initialisers",
                             gr__tree_kind_name(tree));
    if (st == GR_OK) st = gr__settings_make(ctx, b, &gr__init_common, tree, preset, NULL, &common);
    if (st == GR_OK) st = resolve(ctx, b, &common, "weights", preset, full);
    if (st == GR_OK) st = resolve(ctx, b, &common, "bias", preset, full);
    if (st == GR_OK) *out = full;
    return st;
}
