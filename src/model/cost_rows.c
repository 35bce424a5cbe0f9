/* Outputs as costs take them, for networks of recipes and those built call by call. */
#include "model/cost_rows.h"

#include "nn/lengths.h"

gr_shape gr__sample_of(gr_shape batch)
{
    gr_shape s = {.rank = GR_MAX(batch.rank - 1, 0)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = batch.dim[i + 1];
    return s;
}

bool gr__cost_has_positions(const gr_cost *c, gr_shape output)
{
    return output.rank > 2 && c->reading(gr__sample_of(output)).prediction == GR_PREDICT_SHARES;
}

static gr_shape rows_of(gr_shape output)
{
    gr_shape s = GR_SHAPE(1, output.dim[output.rank - 1]);
    for (int i = 0; i + 1 < output.rank; i++) s.dim[0] *= output.dim[i];
    return s;
}

/* Of sequences of different lengths each step is a row by itself, of values too: [B,T,...] as [B T,...]. */
static gr_shape step_rows(gr_shape output)
{
    gr_shape s = {.rank = GR_MAX(output.rank - 1, 2), .dim = {output.dim[0] * output.dim[1], 1}};
    for (int i = 2; i < output.rank; i++) s.dim[i - 1] = output.dim[i];
    return s;
}

/* A cost may read one output otherwise than several; then a step by itself would be another thing than all of them. */
static bool check_steps(gr_graph *g, const gr_cost *c, gr_shape output, gr_shape rows)
{
    if (c->reading(gr__sample_of(output)).target == c->reading(gr__sample_of(rows)).target) return true;
    gr_graph_fail(
        g, GR_E_SHAPE,
        "sequences of different lengths want several outputs a step, but the network has 1: two classes a step "
        "are two outputs with cost: cross_entropy");
    return false;
}

/* One output tells two classes of a sample; of a position it would have to be labels, which are another cost's. */
static bool check_classes(gr_graph *g, bool classes, gr_shape rows)
{
    if (!classes || rows.dim[1] > 1) return true;
    gr_graph_fail(g, GR_E_SHAPE, "a class a position wants at least two outputs each, but the network has %lld",
                  (long long)rows.dim[1]);
    return false;
}

bool gr__cost_rows_take(gr_build *b, const gr_cost *c, const gr_settings *s, gr_val output, gr_cost_rows *out)
{
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, output);
    gr_val lengths = gr__lengths_of(b, output);
    bool classes = gr__cost_has_positions(c, shape), positions = classes || lengths;
    gr_val rows = !positions ? output : gr_reshape(g, output, classes ? rows_of(shape) : step_rows(shape));
    gr_shape row = gr_shape_of(g, rows);
    *out = (gr_cost_rows){rows, lengths, positions};
    return rows && check_steps(g, c, shape, row) && c->check(b, s, gr__sample_of(row), 0) &&
           check_classes(g, classes, row);
}

gr_val gr__cost_rows_predict(gr_build *b, const gr_cost *c, const gr_settings *s, const gr_cost_rows *r, gr_val output)
{
    gr_shape shape = gr_shape_of(b->g, output);
    gr_val prediction = c->predict(b, s, r->rows);
    bool alike = gr_shape_count(gr_shape_of(b->g, prediction)) == gr_shape_count(shape);
    return r->positions && alike ? gr_reshape(b->g, prediction, shape) : prediction;
}

gr_val gr__cost_rows_spread(gr_graph *g, gr_val each, int64_t n)
{
    int64_t count = gr_shape_count(gr_shape_of(g, each));
    if (n == count) return gr_shape_of(g, each).rank == 1 ? each : gr_reshape(g, each, GR_SHAPE(count));
    gr_val column = gr_reshape(g, each, GR_SHAPE(count, 1));
    return gr_reshape(g, gr_broadcast(g, column, GR_SHAPE(count, n / count)), GR_SHAPE(n));
}

void gr__cost_rows_count(gr_graph *g, const gr_cost_rows *r, gr_val output, gr_val *each, gr_val *weight)
{
    if (!r->lengths) return;
    gr_shape s = gr_shape_of(g, output);
    gr_val steps = gr__lengths_mask(g, r->lengths, GR_SHAPE(s.dim[0], s.dim[1])),
           counts = gr__cost_rows_spread(g, steps, gr_shape_of(g, *each).dim[0]);
    *each = gr_select(g, counts, *each, gr_const(g, 0));
    *weight = *weight ? gr_select(g, counts, *weight, gr_const(g, 0)) : counts;
}

gr_val gr__weights_divisor(gr_graph *g, gr_val weight_sum)
{
    return gr_select(g, gr_less(g, gr_const(g, 0), weight_sum), weight_sum, gr_const(g, 1));
}
