/* `clip:` of a recipe, checked and resolved. */
#include "optim/optim.h"

static const gr_row clip_rows[] = {
    GR_ROW("norm", REAL, "none", "(0,inf)", "gradient", "largest norm over all gradients together"),
    GR_ROW("value", REAL, "none", "(0,inf)", "gradient", "largest size of each element"),
    GR_ROW("form", CHOICE, "none", "exact|torch", "",
           "of norm; torch adds 1e-6 to the norm; exact, or torch under preset torch, unless given"),
    GR_ROW("per", CHOICE, "none", "all|layer", "",
           "of norm; layer: each layer's gradients have a norm of their own; all unless given"),
};
GR_COMMON(clip_common) = {
    .family = "clip",
    .name = "clip",
    .title = "Gradient clipping",
    .cite = "Pascanu, Mikolov & Bengio 2013, algorithm 1",
    .equations = "value: g_i <- min(max(g_i, -c), c)\n"
                 "norm:  g <- g c / max(|g|, c)            torch: g <- g min(1, c / (|g| + 1e-6))",
    GR_ROWS(clip_rows),
};

static gr_status read_clip(gr_context *ctx, const gr_tree *tree, const gr_settings *s, gr_preset preset, gr_clip *out)
{
    static const char *const of_norm[] = {"form", "per"};
    bool norm = gr__setting_tree(s, "norm") != NULL, value = gr__setting_tree(s, "value") != NULL;
    bool form = gr__setting_text(s, "form") != NULL;
    if (norm == value)
        return gr__tree_fail(ctx, tree, norm ? GR_E_CONFLICT : GR_E_MISSING, "write {norm: 1.0} or {value: 0.5}",
                             "clipping takes norm or value, and one of them");
    for (size_t i = 0; value && i < GR_COUNT(of_norm); i++)
        if (gr__setting_text(s, of_norm[i]))
            return gr__tree_fail(ctx, gr__tree_get(tree, of_norm[i]), GR_E_CONFLICT, NULL,
                                 "%s belongs to norm, and value is given", of_norm[i]);
    *out = (gr_clip){.kind = norm ? GR_CLIP_NORM : GR_CLIP_VALUE,
                     .limit = gr__setting_real(s, norm ? "norm" : "value"),
                     .torch_form = norm && (form ? gr__setting_is(s, "form", "torch") : preset == GR_PRESET_TORCH),
                     .per_layer = norm && gr__setting_text(s, "per") && gr__setting_is(s, "per", "layer")};
    return GR_OK;
}

gr_status gr__clip_make(gr_context *ctx, const gr_tree *tree, gr_preset preset, gr_clip *out)
{
    gr_status st = GR_OK;
    gr_settings s;
    if (gr__tree_none(tree)) {
        *out = (gr_clip){.kind = GR_CLIP_NONE};
        return GR_OK;
    }
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write none, {norm: 1.0} or {value: 0.5}", "%s is no clipping",
                             gr__tree_kind_name(tree));
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr__settings_make(ctx, b, &gr__clip_common, tree, preset, NULL, &s));
    GR_TRY(read_clip(ctx, tree, &s, preset, out));
done:
    gr__bump_destroy(b);
    return st;
}

gr_tree *gr__clip_tree(gr__bump *b, const gr_clip *c)
{
    if (c->kind == GR_CLIP_NONE) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    if (!t || !gr__tree_put_number(b, t, c->kind == GR_CLIP_NORM ? "norm" : "value", c->limit)) return NULL;
    if (c->kind == GR_CLIP_VALUE) return t;
    return gr__tree_put_text(b, t, "form", c->torch_form ? "torch" : "exact") &&
                   gr__tree_put_text(b, t, "per", c->per_layer ? "layer" : "all")
               ? t
               : NULL;
}
