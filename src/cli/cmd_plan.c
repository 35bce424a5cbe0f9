/* gradus plan: bytes and predicted time of a run, before anything is allocated. */
#include <stdlib.h>
#include <string.h>

#include "cli/plan_graph.h"
#include "cli/plan_memory.h"
#include "graph/shape.h"
#include "model/file.h"
#include "plan/budget/budget.h"
#include "study/search/recomputing.h"
#include "train/train.h"

typedef struct options {
    uint64_t budget;
    const char *graph;
    int way;
    bool parameters, kernels, curve, timeline;
    const char *out;
} options;

typedef struct totals {
    double forward_flops, step_flops, seconds;
    gr_serving_bytes serving;
} totals;

/* Predicted seconds of an update on one thread: the kernels' own estimates. */
static gr_status add_up(gr_engine *e, totals *t)
{
    gr_task forward = *e->task; /* one batch to evaluate, whether or not the run validates */
    gr_engine one = {0};
    memset(forward.count, 0, sizeof forward.count);
    forward.count[GR_PART_TEST] = forward.rows[GR_PART_TEST].n = gr__task_evaluation_batch(e->task);
    forward.set_of[GR_PART_TEST] = forward.lead;
    gr_status st = gr__engine_make(&forward, false, 1u << GR_PART_TEST, &one);
    if (st == GR_OK) t->forward_flops = gr_plan_flops(one.plan[0].plan);
    gr__engine_close(&one);
    const gr_engine_plan *step = &e->plan[0];
    t->step_flops = gr_plan_flops(step->plan);
    t->seconds = gr__plan_seconds(step->plan);
    return st;
}

/* ---- what is shown ---- */

#define BYTES(member) GR_COLUMN(gr_engine_bytes, member, WHOLE, "bytes/" #member)
static const gr_column byte_columns[] = {BYTES(parameters), BYTES(gradients), BYTES(slots),  BYTES(activations),
                                         BYTES(workspace),  BYTES(data),      BYTES(loader), BYTES(total),
                                         BYTES(bookkeeping)}; /* the last: outside total */

static void add_bytes(gr_result *r, const gr_engine_bytes *b)
{
    GR_RECORD(r, byte_columns, b);
    gr__result_note(r, "tensor memory\n");
    for (size_t i = 0; i + 1 < GR_COUNT(byte_columns); i++) {
        uint64_t bytes = *(const uint64_t *)((const char *)b + byte_columns[i].at);
        char size[32];
        gr__size_text(bytes, size, sizeof size);
        gr__result_note(r, "  %-12s %14llu  %s\n", byte_columns[i].name + strlen("bytes/"), (unsigned long long)bytes,
                        size);
    }
    gr__result_note(r, "  and at most %llu bytes of bookkeeping\n\n", (unsigned long long)b->bookkeeping);
}

/* Shapes as model files have them, whatever order memory has. */
typedef struct parameter {
    const char *name, *shape_text;
    gr_list shape;
    int64_t count;
    bool frozen;
} parameter;
static const char *const frozen_words[] = {"", "frozen"};
static const gr_column parameter_columns[] = {
    GR_COLUMN(parameter, name, TEXT, "name", GR_SHOWN("parameter", -40)),
    GR_COLUMN(parameter, shape, LIST, "shape"),
    GR_COLUMN(parameter, shape_text, TEXT, NULL, GR_SHOWN("shape", -24)),
    GR_COLUMN(parameter, count, WHOLE, "count", GR_SHOWN("count", 12)),
    GR_COLUMN(parameter, frozen, TRUTH, "frozen"),
    GR_COLUMN(parameter, frozen, TRUTH, NULL, GR_SHOWN("", 0), .words = frozen_words, .gap = 1),
};

static void add_parameters(gr_result *r, const gr_engine *e)
{
    size_t n;
    char text[96];
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    parameter *all = gr__result_alloc(r, sizeof *all * n);
    gr_shape *shape = gr__result_alloc(r, sizeof *shape * n);
    for (size_t i = 0; i < n && all && shape; i++) {
        shape[i] = gr__file_shape(&p[i].entry);
        all[i] = (parameter){.name = p[i].entry.name,
                             .shape = {.whole = shape[i].dim, .n = (size_t)shape[i].rank},
                             .shape_text = gr__result_text(r, "%s", gr__shape_text(shape[i], text)),
                             .count = gr_shape_count(shape[i]),
                             .frozen = gr__groups_freeze(&e->task->recipe->groups, p[i].entry.name)};
    }
    gr__result_note(r, "\n");
    GR_TABLE(r, "parameters", parameter_columns, all, n);
}

static double megaflops(const void *row)
{
    return ((const gr_plan_row *)row)->flops * 1e-6;
}

static double microseconds(const void *row)
{
    return ((const gr_plan_row *)row)->cost_ns * 1e-3;
}

static const gr_column kernel_columns[] = {
    GR_COLUMN(gr_plan_row, kernel, TEXT, NULL, GR_SHOWN("kernel", -34), .digits = 34),
    GR_COLUMN(gr_plan_row, scope, TEXT, NULL, GR_SHOWN("in", -26), .digits = 26),
    GR_COLUMN(gr_plan_row, nodes, INT, NULL, GR_SHOWN("nodes", 6)),
    GR_COLUMN(gr_plan_row, shards, INT, NULL, GR_SHOWN("shards", 6)),
    GR_COLUMN(gr_plan_row, flops, REAL, NULL, GR_SHOWN("Mflop", 12), .digits = 3, .style = 'f', .number = megaflops),
    GR_COLUMN(gr_plan_row, cost_ns, REAL, NULL, GR_SHOWN("us", 10), .digits = 1, .style = 'f', .number = microseconds),
};

static void add_kernels(gr_result *r, const gr_plan *p)
{
    int n = gr_plan_rows(p);
    gr_plan_row *rows = gr__result_alloc(r, sizeof *rows * (size_t)(n + 1));
    for (int i = 0; i < n && rows; i++) rows[i] = gr_plan_row_at(p, i);
    gr__result_note(r, "\n");
    GR_TABLE(r, NULL, kernel_columns, rows, n);
}

static void note_serving(gr_result *r, const gr_serving_bytes *b)
{
    char size[32];
    gr__size_text(b->total, size, sizeof size);
    gr__result_note(r, "serving one sample: %llu bytes (%s), %llu of them parameters\n", (unsigned long long)b->total,
                    size, (unsigned long long)b->parameters);
}

static gr_status show(cli *c, const gr_engine *e, const totals *t)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    gr_status st = GR_OK;
    gr__result_note(r, "%s on %s, batch %lld, %lld parameters\n\n", e->task->recipe->name, e->task->recipe->device,
                    (long long)gr__task_batch(e->task), (long long)gr__network_parameter_count(e->task->network));
    add_bytes(r, &e->bytes);
    gr__result_note(
        r, "an update: %.4g Mflop, predicted %.3g ms on one thread; forward of an evaluation batch: %.4g Mflop\n",
        t->step_flops * 1e-6, t->seconds * 1e3, t->forward_flops * 1e-6);
    cli_plan_recomputed(r, e->plan[0].plan);
    if (strcmp(e->task->recipe->remat.policy, "optimal") == 0) cli_plan_gap(r, e->plan[0].plan);
    note_serving(r, &t->serving);
    gr__result_put(r, "serving_bytes=%jd bytes/serving=%jd", (int64_t)t->serving.total, (int64_t)t->serving.total);
    gr__result_put(r, "forward_flops=%g step_flops=%g predicted_seconds=%g", t->forward_flops, t->step_flops,
                   t->seconds);
    if (o->parameters) add_parameters(r, e);
    if (o->kernels) add_kernels(r, e->plan[0].plan);
    if (o->timeline) st = cli_plan_timeline(c, r, e, o->out);
    return st == GR_OK ? cli_show(c, r) : st;
}

static gr_status check_options(cli *c, const options *o)
{
    static const char *const endings[] = {"svg", NULL};
    if (o->curve && o->timeline)
        return gr__fail(c->ctx, GR_E_USAGE, "--curve and --timeline are two drawings: choose one of them");
    if (o->curve && (o->budget || o->parameters || o->kernels))
        return gr__fail(c->ctx, GR_E_USAGE, "--curve goes through all budgets, and tells of no single plan");
    if (o->timeline && !o->out) return gr__fail(c->ctx, GR_E_USAGE, "--timeline draws: -o F.svg says where");
    if (o->out && !o->curve && !o->timeline)
        return gr__fail(c->ctx, GR_E_USAGE, "-o: --curve and --timeline say what is drawn");
    return o->out ? cli_check_ending(c, o->out, "a plot as SVG", endings) : GR_OK;
}

/* Of a graph, not of a recipe. */
static gr_status run_graph(cli *c)
{
    const options *o = c->options;
    if (c->n_arguments || c->sets.n || o->parameters || o->kernels || o->curve || o->timeline)
        return gr__fail(c->ctx, GR_E_USAGE, "--graph %s is planned alone, without a recipe and what is of one",
                        o->graph);
    if (!cli_given(c, "budget")) return gr__fail(c->ctx, GR_E_USAGE, "--graph %s wants --budget BYTES", o->graph);
    return cli_plan_graph(c, o->graph, o->budget, o->way);
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    gr_task task = {0};
    gr_engine engine = {0};
    const options *o = c->options;
    gr_status st = GR_OK;
    GR_TRY(check_options(c, o));
    if (o->graph) return run_graph(c);
    if (o->way) return gr__fail(c->ctx, GR_E_USAGE, "--way goes with --graph");
    if (c->n_arguments == 0)
        return gr__fail(c->ctx, GR_E_USAGE, "plan: an argument is missing: RECIPE, or --graph FILE");
    GR_TRY(cli_recipe(c, c->argument[0], &r));
    if (o->curve) GR_TRY(cli_plan_curve(c, r, o->out));
    if (o->curve) goto done;
    if (o->budget) r->memory = o->budget;
    if (o->budget && !r->remat_given) r->remat.policy = "auto";
    GR_TRY(gr__task_estimate(c->ctx, r, &task));
    GR_TRY(gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &engine));
    GR_TRY(gr__engine_budget(&engine, r->memory));
    totals t = {0};
    GR_TRY(gr__serving_check(&task, &t.serving));
    GR_TRY(add_up(&engine, &t));
    st = show(c, &engine, &t);
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, budget, SIZE, "budget", "SIZE",
        "how much tensor memory there is, as 256M or 2G, in the place of the recipe's: what it has no room for is "
        "computed again, and where that does not do it is exit 4"),
    CLI_OPTION(options, curve, SWITCH, "curve", NULL,
               "the time of an update against memory, from the least to what keeps all"),
    CLI_OPTION(options, timeline, SWITCH, "timeline", NULL, "draws what stands in memory over an update"),
    CLI_OPTION(options, out, TEXT, "out", "PLOT.svg", "the drawing", .letter = 'o'),
    CLI_OPTION(options, parameters, SWITCH, "parameters", NULL,
               "lists the parameters: name, shape, how many numbers, frozen or not"),
    CLI_OPTION(options, kernels, SWITCH, "kernels", NULL, "lists the kernels of an update with their predicted cost"),
    CLI_OPTION(
        options, graph, TEXT, "graph", "FILE",
        "plans a graph of your own under --budget: {\"nodes\": [{\"cost\", \"bytes\", \"from\": [...]}], \"fixed\"}"),
    CLI_OPTION(options, way, WORD, "way", "WORD",
               "how its schedule is looked for: auto, keep, greedy, chain, search, integer_program or rounded; auto "
               "unless given",
               .words = gr__budget_way_words),
};

GR_COMMAND(plan) = {
    .name = "plan",
    .place = 8,
    .usage =
        "RECIPE [--budget SIZE] [--parameters] [--kernels] [--curve [-o PLOT.svg] | --timeline -o PLOT.svg] | --graph "
        "FILE --budget SIZE [--way WORD]",
    .summary = "Memory and time of a run, before anything is allocated",
    .help =
        "`total` is the tensor memory that training then takes, to the byte; "
        "planned_bytes and peak_bytes of result.json are the same number.\n"
        "serving_bytes is what predicting one sample from the trained model takes, to the byte; "
        "limit: {serving_bytes: 256K} in a recipe\n"
        "refuses networks that take more.\n\n"
        "remat: {layer, bytes_saved, flops} of what is computed again; step_flops and predicted_seconds count it, "
        "predicted_seconds_kept does not.\n"
        "A budget that is too small is told the least that would do (error.least_bytes). docs/memory.md has more.\n\n"
        "--graph takes computations by their costs and bytes, in topological order, and gives the "
        "cheapest schedule that computes each at least once,\n"
        "first runs in that order, within the budget. search is exact up to a number of states, "
        "integer_program (CBC, where it is installed) up to a size; bound is what\n"
        "no schedule can cost less than.\n\n"
        "Examples\n  gradus plan recipes/fashion.yaml --kernels\n"
        "  gradus plan recipes/fashion.yaml --budget 12M\n"
        "  gradus plan recipes/fashion.yaml --curve -o curve.svg\n"
        "  gradus plan --graph chain.json --budget 5 --json\n",
    CLI_OPTIONS(options, rows),
    .max_arguments = 1,
    .run = run};
