/* SAM: the gradient is taken where the cost is about highest within a distance rho of the weights, so that training
 * looks for flat minima. Around any optimizer; each update takes two gradients.
 * [Foret et al. 2021, algorithm 1; adaptive: Kwon et al. 2021, eq. 8] Micro-batches climb each by itself (m-sharpness,
 * as the paper's devices do). Running statistics are those of the first pass, dropout's masks the same in both. */
#include "optim/optim.h"

static const gr_row rows[] = {
    GR_ROW("rho", REAL, "0.05", "(0,inf)", "1", "how far the weights climb; with adaptive ten times as much is usual"),
    GR_ROW("adaptive", BOOL, "false", "", "", "distances are counted in the sizes of the weights"),
};
GR_COMMON(sam_common) = {
    .family = "sam",
    .name = "sam",
    .title = "SAM: gradients from where the cost is highest nearby",
    .cite = "Foret et al. 2021, algorithm 1; Kwon et al. 2021, eq. 8",
    .equations = "e = rho g / |g|, over all tensors;  adaptive: e = rho w^2 g / | |w| g |            0 where g is 0\n"
                 "the optimizer gets the gradient at w + e, of the same batch",
    GR_ROWS(rows),
};

gr_status gr__sam_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sam *out)
{
    gr_settings s;
    *out = (gr_sam){0};
    if (gr__tree_none(tree)) return GR_OK;
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write none or {rho: 0.05}", "%s is not a map of keys",
                             gr__tree_kind_name(tree));
    if (gr__tree_get(tree, "type"))
        return gr__tree_fail(ctx, gr__tree_get(tree, "type"), GR_E_KEY, NULL, "unknown key \"type\"");
    gr_status st = gr__settings_make(ctx, b, &gr__sam_common, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    *out = (gr_sam){.on = true, .rho = gr__setting_real(&s, "rho"), .adaptive = gr__setting_bool(&s, "adaptive")};
    return GR_OK;
}

gr_tree *gr__sam_tree(gr__bump *b, const gr_sam *s)
{
    if (!s->on) return gr__tree_text(b, "none");
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_number(b, t, "rho", s->rho) &&
              gr__tree_put(b, t, "adaptive", gr__tree_scalar(b, s->adaptive ? "true" : "false"));
    return ok ? t : NULL;
}

void gr__sam_climb(gr_graph *g, const gr_sam *s, const gr_val *points, const gr_val *grads, int n, gr_val *out)
{
    gr_val all = gr_const(g, 0);
    for (int i = 0; i < n; i++)
        all = gr_add(g, all, gr__squares(g, s->adaptive ? gr_mul(g, gr_abs(g, points[i]), grads[i]) : grads[i]));
    gr_val factor = gr__ratio_or(g, gr_const(g, s->rho), gr__squares_root(g, all), gr_const(g, 0));
    for (int i = 0; i < n; i++) {
        gr_val up = s->adaptive ? gr_mul(g, gr_square(g, points[i]), grads[i]) : grads[i];
        out[i] = gr_add(g, points[i], gr_mul(g, up, factor));
    }
}
