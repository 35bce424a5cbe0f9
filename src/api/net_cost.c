/* Costs by name: from an output and a target to the mean of a batch, and to predictions. */
#include "api/net.h"
#include "api/text.h"
#include "graph/shape.h"
#include "model/cost_rows.h"

typedef struct call {
    const gr_cost *member;
    gr_settings settings;
    const gr_tree *tree;
    gr_cost_rows of; /* the output, a row of outputs each */
} call;

static gr_status read_call(gr_net *net, const char *type, const char *settings, call *c)
{
    gr_tree *tree = NULL;
    gr_status st = GR_OK;
    const char *label = gr__bump_format(net->memory, "cost %zu, %s", net->n_costs + 1, type);
    if (!label) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(net->ctx, net->memory, label, type, settings, &tree));
    c->tree = tree;
    c->member = (const gr_cost *)gr__family_find(net->ctx, &gr__family_cost, "cost", tree, NULL);
    if (!c->member) return gr__error_code(net->ctx);
    GR_TRY(gr__settings_make(net->ctx, net->memory, &c->member->head, tree, GR_PRESET_CHAPTER, NULL, &c->settings));
done:
    return st;
}

static bool take_output(gr_net *net, call *c, gr_val output)
{
    if (gr_shape_of(net->g, output).rank < 1)
        return gr_graph_fail(net->g, GR_E_SHAPE, "an output has a batch axis"), false;
    return gr__cost_rows_take(&net->b, c->member, &c->settings, output, &c->of) && gr_graph_status(net->g) == GR_OK;
}

/* The target row for row with the outputs; costs rely on its type and its shape. */
static gr_val take_target(gr_net *net, const call *c, gr_val output, gr_val target)
{
    gr_graph *g = net->g;
    gr_shape s = gr_shape_of(g, target), out = gr_shape_of(g, output);
    char a[96], b[96];
    bool classes = c->member->reading(gr__sample_of(out)).target == GR_FORM_CLASS;
    int64_t wanted = classes ? gr_shape_of(g, c->of.rows).dim[0] : gr_shape_count(out);
    if ((gr_dtype_of(g, target) == GR_I32) != classes)
        return gr_graph_fail(g, GR_E_TYPE, classes ? "targets are classes: GR_I32" : "targets are numbers: GR_REAL");
    if (gr_shape_count(s) != wanted || s.rank < 1 || s.dim[0] != out.dim[0])
        return gr_graph_fail(g, GR_E_SHAPE, "targets of shape %s do not fit an output of shape %s",
                             gr__shape_text(s, a), gr__shape_text(out, b));
    return gr_reshape(g, target, classes ? GR_SHAPE(wanted) : gr_shape_of(g, c->of.rows));
}

static void mean_of(gr_net *net, const call *c, gr_val output, gr_cost_value v, gr__costed *out)
{
    gr_graph *g = net->g;
    gr_val each = v.each, weight = v.weight;
    double rows = (double)gr_shape_of(g, each).dim[0];
    gr__cost_rows_count(g, &c->of, output, &each, &weight);
    out->sum = gr_sum_all(g, each);
    out->divisor = weight ? gr__weights_divisor(g, gr_sum_all(g, weight)) : gr_const(g, rows);
    out->mean = gr_div(g, out->sum, out->divisor);
}

static gr_val place(const gr_net *net, const call *c, gr_val v)
{
    char key[256];
    if (gr_graph_status(net->g) == GR_OK) return v;
    gr__error_place(net->ctx, c->tree->file, c->tree->line, c->tree->column, gr__tree_path(c->tree, key, sizeof key));
    return GR_NONE;
}

gr_val gr__net_cost(gr_net *net, const char *type, const char *settings, gr_val output, gr_val target)
{
    call c = {0};
    gr__costed made = {0};
    if (gr_graph_status(net->g) != GR_OK) return GR_NONE;
    if (!type || !output || !target)
        return gr_graph_fail(net->g, GR_E_USAGE, "a cost needs the name of its type, an output and a target");
    gr_status st = read_call(net, type, settings, &c);
    if (st != GR_OK) return gr__net_refuse(net, st);
    if (!GR_ROOM(net->ctx, net->cost, net->costs_capacity, net->n_costs + 1)) return gr__net_refuse(net, GR_E_MEMORY);
    gr_scope_push(net->g, c.member->head.name, "cost");
    gr_val y = take_output(net, &c, output) ? take_target(net, &c, output, target) : GR_NONE;
    gr_cost_value v = {0};
    if (y) v = c.member->build(&net->b, &c.settings, c.of.rows, y, net->b.mode == GR_MODE_TRAIN);
    if (v.each) mean_of(net, &c, output, v, &made);
    gr_scope_pop(net->g);
    if (!place(net, &c, made.mean)) return GR_NONE;
    net->cost[net->n_costs++] = made;
    gr__net_settle_last(net, output);
    return made.mean;
}

gr_val gr__net_prediction(gr_net *net, const char *type, const char *settings, gr_val output)
{
    call c = {0};
    gr_val p = GR_NONE;
    if (gr_graph_status(net->g) != GR_OK) return GR_NONE;
    if (!type || !output)
        return gr_graph_fail(net->g, GR_E_USAGE, "a prediction needs the name of a cost, and an output");
    gr_status st = read_call(net, type, settings, &c);
    if (st != GR_OK) return gr__net_refuse(net, st);
    gr_scope_push(net->g, c.member->head.name, "prediction");
    if (take_output(net, &c, output)) p = gr__cost_rows_predict(&net->b, c.member, &c.settings, &c.of, output);
    gr_scope_pop(net->g);
    return place(net, &c, p);
}
