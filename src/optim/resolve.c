/* `optimizer:` and `clip:` of a recipe, checked and resolved. */
#include "base/text.h"
#include "nn/families.h"

static const gr_optimizer *find(gr_context *ctx, const gr_tree *tree)
{
    const gr_member *heads[128], *found;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    const char *name = gr__type_of(ctx, tree, "optimizer", "adam");
    n = GR_MIN(n, (int)GR_COUNT(heads));
    for (int i = 0; i < n; i++) heads[i] = &all[i]->head;
    if (!name || gr__member_find(ctx, "optimizer", heads, n, name, tree, &found) != GR_OK) return NULL;
    return (const gr_optimizer *)found; /* head stands first */
}

gr_status gr__optim_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_optim *out)
{
    static const char *const common[] = {"weight_decay", "decay", NULL};
    const char *own[64];
    gr_optim o = {.member = find(ctx, tree)};
    gr_settings rest;
    gr_status st = GR_OK;
    if (!o.member) return gr__error_code(ctx);
    const gr_member *m = &o.member->head;
    int n = GR_MIN(m->n_rows, (int)GR_COUNT(own) - 1);
    for (int i = 0; i < n; i++) own[i] = m->rows[i].name;
    own[n] = NULL;
    GR_TRY(gr__settings_make(ctx, b, m, tree, preset, common, &o.settings));
    GR_TRY(gr__settings_make(ctx, b, &gr__optimizer_common, tree && tree->kind == GR_TREE_MAP ? tree : NULL, preset, own, &rest));
    if (o.member->check) GR_TRY(o.member->check(ctx, &o.settings));
    o.lr = gr__setting_real(&o.settings, "lr");
    o.weight_decay = gr__setting_real(&rest, "weight_decay");
    o.decoupled = gr__setting_text(&rest, "decay") ? gr__setting_is(&rest, "decay", "decoupled") : o.member->decay[0] == 'd';
    *out = o;
done:
    return st;
}

static bool put_number(gr__bump *b, gr_tree *map, const char *key, double x)
{
    char text[32];
    return gr__tree_put(b, map, key, gr__tree_scalar(b, gr__double_text(x, text)));
}

static bool put_text(gr__bump *b, gr_tree *map, const char *key, const char *text)
{
    return gr__tree_put(b, map, key, gr__tree_text(b, text));
}

gr_tree *gr__optim_tree(gr__bump *b, const gr_optim *o)
{
    gr_tree *t = gr__settings_tree(b, &o->settings);
    return t && put_number(b, t, "weight_decay", o->weight_decay) && put_text(b, t, "decay", o->decoupled ? "decoupled" : "coupled") ? t
                                                                                                                                     : NULL;
}

/* ---- clipping ---- */

static const gr_row clip_rows[] = {
    GR_ROW("norm", REAL, "none", "(0,inf)", "gradient", "largest norm over all gradients together"),
    GR_ROW("value", REAL, "none", "(0,inf)", "gradient", "largest size of each element"),
    GR_ROW("form", CHOICE, "none", "exact|torch", "",
           "of norm; torch adds 1e-6 to the norm; exact, or torch under preset torch, unless given"),
};
const gr_member gr__clip_common = {
    .family = "clip",
    .name = "clip",
    .title = "Gradient clipping",
    .cite = "Pascanu, Mikolov & Bengio 2013, algorithm 1",
    .equations = "value: g_i <- min(max(g_i, -c), c)\n"
                 "norm:  g <- g c / max(|g|, c)            torch: g <- g min(1, c / (|g| + 1e-6))",
    GR_ROWS(clip_rows),
};

static bool is_none(const gr_tree *t)
{
    return !t || t->kind == GR_TREE_NULL ||
           (t->kind == GR_TREE_TEXT && t->text[0] == 'n' && t->text[1] == 'o' && t->text[2] == 'n' && t->text[3] == 'e' && !t->text[4]);
}

gr_status gr__clip_make(gr_context *ctx, const gr_tree *tree, gr_preset preset, gr_clip *out)
{
    gr_status st = GR_OK;
    gr_settings s;
    if (is_none(tree)) {
        *out = (gr_clip){.kind = GR_CLIP_NONE};
        return GR_OK;
    }
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write none, {norm: 1.0} or {value: 0.5}", "%s is no clipping",
                             gr__tree_kind_name(tree));
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr__settings_make(ctx, b, &gr__clip_common, tree, preset, NULL, &s));
    bool norm = gr__setting_tree(&s, "norm") != NULL, value = gr__setting_tree(&s, "value") != NULL,
         form = gr__setting_text(&s, "form") != NULL;
    if (norm == value)
        GR_TRY(gr__tree_fail(ctx, tree, norm ? GR_E_CONFLICT : GR_E_MISSING, "write {norm: 1.0} or {value: 0.5}",
                             "clipping takes norm or value, and one of them"));
    if (value && form)
        GR_TRY(gr__tree_fail(ctx, gr__tree_get(tree, "form"), GR_E_CONFLICT, NULL, "form belongs to norm, and value is given"));
    *out = (gr_clip){.kind = norm ? GR_CLIP_NORM : GR_CLIP_VALUE,
                     .limit = gr__setting_real(&s, norm ? "norm" : "value"),
                     .torch_form = norm && (form ? gr__setting_is(&s, "form", "torch") : preset == GR_PRESET_TORCH)};
done:
    gr__bump_destroy(b);
    return st;
}

gr_tree *gr__clip_tree(gr__bump *b, const gr_clip *c)
{
    if (c->kind == GR_CLIP_NONE) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    if (!t || !put_number(b, t, c->kind == GR_CLIP_NORM ? "norm" : "value", c->limit)) return NULL;
    return c->kind == GR_CLIP_VALUE || put_text(b, t, "form", c->torch_form ? "torch" : "exact") ? t : NULL;
}
