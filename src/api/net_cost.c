/* Costs by name: from an output and a target to the mean of a batch, and to predictions. */
#include "api/net.h"
#include "api/text.h"
#include "graph/shape.h"
#include "nn/lengths.h"

typedef struct call {
    const gr_cost *member;
    gr_settings settings;
    const gr_tree *tree;
    gr_val rows;    /* the output, a row of outputs each */
    gr_val lengths; /* of the output's samples; GR_NONE: all steps count */
    bool positions; /* rows are the positions of samples */
    gr_reading reading;
} call;

static gr_shape sample_of(gr_shape batch)
{
    gr_shape s = {.rank = batch.rank - 1};
    for (int i = 0; i < s.rank; i++) s.dim[i] = batch.dim[i + 1];
    return s;
}

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

/* Of sequences of different lengths each step is a row by itself, of values too: [B,T,...] as [B T,...]. */
static gr_shape step_rows(gr_shape output)
{
    gr_shape s = {.rank = GR_MAX(output.rank - 1, 2), .dim = {output.dim[0] * output.dim[1], 1}};
    for (int i = 2; i < output.rank; i++) s.dim[i - 1] = output.dim[i];
    return s;
}

/* Costs of classes know one row of outputs a sample: positions are taken as samples, [B,T,K] as [B T,K]. */
static bool take_output(gr_net *net, call *c, gr_val output)
{
    gr_graph *g = net->g;
    gr_shape s = gr_shape_of(g, output);
    if (s.rank < 1) return gr_graph_fail(g, GR_E_SHAPE, "an output has a batch axis"), false;
    c->reading = c->member->reading(sample_of(s));
    c->lengths = gr__lengths_of(&net->b, output);
    int64_t width = s.dim[s.rank - 1], count = gr_shape_count(s);
    bool classes = s.rank > 2 && c->reading.prediction == GR_PREDICT_SHARES && width > 0;
    c->positions = classes || c->lengths;
    c->rows = classes      ? gr_reshape(g, output, GR_SHAPE(count / width, width))
              : c->lengths ? gr_reshape(g, output, step_rows(s))
                           : output;
    gr_shape row = sample_of(gr_shape_of(g, c->rows));
    if (gr_graph_status(g) == GR_OK && c->reading.target != c->member->reading(row).target)
        gr_graph_fail(g, GR_E_SHAPE,
                      "a step of a sequence is read otherwise than all of them: it wants several outputs");
    return c->member->check(&net->b, &c->settings, row, 0) && gr_graph_status(g) == GR_OK;
}

/* The target row for row with the outputs; costs rely on its type and its shape. */
static gr_val take_target(gr_net *net, const call *c, gr_val output, gr_val target)
{
    gr_graph *g = net->g;
    gr_shape s = gr_shape_of(g, target), out = gr_shape_of(g, output);
    char a[96], b[96];
    bool classes = c->reading.target == GR_FORM_CLASS;
    int64_t wanted = classes ? gr_shape_of(g, c->rows).dim[0] : gr_shape_count(out);
    if ((gr_dtype_of(g, target) == GR_I32) != classes)
        return gr_graph_fail(g, GR_E_TYPE, classes ? "targets are classes: GR_I32" : "targets are numbers: GR_REAL");
    if (gr_shape_count(s) != wanted || s.rank < 1 || s.dim[0] != out.dim[0])
        return gr_graph_fail(g, GR_E_SHAPE, "targets of shape %s do not fit an output of shape %s",
                             gr__shape_text(s, a), gr__shape_text(out, b));
    return gr_reshape(g, target, classes ? GR_SHAPE(wanted) : gr_shape_of(g, c->rows));
}

/* Which rows count, as their weights: all positions of the steps that do. */
static gr_val counting(gr_net *net, const call *c, gr_val output, int64_t rows)
{
    gr_graph *g = net->g;
    gr_shape s = gr_shape_of(g, output), steps = GR_SHAPE(s.dim[0], s.dim[1]);
    int64_t n = steps.dim[0] * steps.dim[1];
    gr_val column = gr_reshape(g, gr__lengths_mask(g, c->lengths, steps), GR_SHAPE(n, 1));
    return gr_reshape(g, gr_broadcast(g, column, GR_SHAPE(n, rows / n)), GR_SHAPE(rows));
}

static void mean_of(gr_net *net, const call *c, gr_val output, gr_cost_value v, gr__costed *out)
{
    gr_graph *g = net->g;
    gr_val one = gr_const(g, 1), none = gr_const(g, 0), each = v.each, weight = v.weight;
    int64_t rows = gr_shape_of(g, each).dim[0];
    if (c->lengths) {
        gr_val counts = counting(net, c, output, rows);
        each = gr_select(g, counts, each, none);
        weight = weight ? gr_select(g, counts, weight, none) : counts;
    }
    out->sum = gr_sum_all(g, each);
    gr_val weights = weight ? gr_sum_all(g, weight) : GR_NONE;
    out->divisor = weights ? gr_select(g, gr_less(g, none, weights), weights, one) : gr_const(g, (double)rows);
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
    if (y) v = c.member->build(&net->b, &c.settings, c.rows, y, net->b.mode == GR_MODE_TRAIN);
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
    if (take_output(net, &c, output)) p = c.member->predict(&net->b, &c.settings, c.rows);
    if (p && c.positions) p = gr_reshape(net->g, p, gr_shape_of(net->g, output));
    gr_scope_pop(net->g);
    return place(net, &c, p);
}
