/* gradus plan: bytes and predicted time of a run, before anything is allocated. */
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "graph/shape.h"
#include "model/file.h"
#include "train/train.h"

typedef struct totals {
    double forward_flops, step_flops, seconds;
} totals;

static double flops(const gr_plan *p)
{
    double sum = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) sum += gr_plan_row_at(p, i).flops;
    return sum;
}

/* Predicted seconds of an update on one thread: the kernels' own estimates. */
static gr_status add_up(gr_engine *e, totals *t)
{
    gr_task forward = *e->task; /* one batch to evaluate, whether or not the run validates */
    gr_engine one = {0};
    memset(forward.count, 0, sizeof forward.count);
    forward.count[GR_PART_TEST] = forward.rows[GR_PART_TEST].n = gr__task_evaluation_batch(e->task);
    forward.set_of[GR_PART_TEST] = forward.lead;
    gr_status st = gr__engine_make(&forward, false, 1u << GR_PART_TEST, &one);
    if (st == GR_OK) t->forward_flops = flops(one.plan[0].plan);
    gr__engine_close(&one);
    const gr_engine_plan *step = &e->plan[0];
    t->step_flops = flops(step->plan);
    for (int i = 0; i < gr_plan_rows(step->plan); i++) t->seconds += 1e-9 * gr_plan_row_at(step->plan, i).cost_ns;
    return st;
}

/* As model files have it, whatever order memory has. */
static json_t *shape_json(const gr_entry_spec *entry)
{
    gr_shape s = gr__file_shape(entry);
    json_t *list = json_array();
    for (int i = 0; i < s.rank; i++) json_array_append_new(list, json_integer(s.dim[i]));
    return list;
}

static json_t *parameters_json(const gr_engine *e)
{
    size_t n;
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:I, s:b}", "name", p[i].entry.name, "shape",
                                        shape_json(&p[i].entry), "count", (json_int_t)gr_shape_count(p[i].entry.shape),
                                        "frozen", gr__groups_freeze(&e->task->recipe->groups, p[i].entry.name)));
    return list;
}

static gr_status print_json(cli *c, const gr_engine *e, const totals *t)
{
    const gr_engine_bytes *b = &e->bytes;
    json_t *o =
        json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o, s:o, s:[]}", "bytes", "parameters",
                  (json_int_t)b->parameters, "gradients", (json_int_t)b->gradients, "slots", (json_int_t)b->slots,
                  "activations", (json_int_t)b->activations, "workspace", (json_int_t)b->workspace, "data",
                  (json_int_t)b->data, "loader", (json_int_t)b->loader, "total", (json_int_t)b->total, "bookkeeping",
                  (json_int_t)b->bookkeeping, "forward_flops", cli_real(t->forward_flops), "step_flops",
                  cli_real(t->step_flops), "predicted_seconds", cli_real(t->seconds), "remat");
    if (cli_value(c, "parameters")) json_object_set_new(o, "parameters", parameters_json(e));
    return cli_json(c, o);
}

static void print_parameters(const gr_engine *e)
{
    size_t n;
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    printf("\n%-40s %-24s %12s\n", "parameter", "shape", "count");
    for (size_t i = 0; i < n; i++) {
        char shape[96];
        printf("%-40s %-24s %12lld%s\n", p[i].entry.name, gr__shape_text(gr__file_shape(&p[i].entry), shape),
               (long long)gr_shape_count(p[i].entry.shape),
               gr__groups_freeze(&e->task->recipe->groups, p[i].entry.name) ? "  frozen" : "");
    }
}

static void print_rows(const gr_plan *p)
{
    printf("\n%-34s %-26s %6s %6s %12s %10s\n", "kernel", "in", "nodes", "shards", "Mflop", "us");
    for (int i = 0; i < gr_plan_rows(p); i++) {
        gr_plan_row r = gr_plan_row_at(p, i);
        printf("%-34.34s %-26.26s %6d %6d %12.3f %10.1f\n", r.kernel, r.scope, r.nodes, r.shards, r.flops * 1e-6,
               r.cost_ns * 1e-3);
    }
}

static void print_text(cli *c, gr_engine *e, const totals *t)
{
    const gr_engine_bytes *b = &e->bytes;
    const struct {
        const char *name;
        uint64_t bytes;
    } rows[] = {{"parameters", b->parameters},   {"gradients", b->gradients}, {"slots", b->slots},
                {"activations", b->activations}, {"workspace", b->workspace}, {"data", b->data},
                {"loader", b->loader},           {"total", b->total}};
    printf("%s on %s, batch %lld, %lld parameters\n\ntensor memory\n", e->task->recipe->name, e->task->recipe->device,
           (long long)gr__task_batch(e->task), (long long)gr__network_parameter_count(e->task->network));
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        char size[32];
        gr__size_text(rows[i].bytes, size, sizeof size);
        printf("  %-12s %14llu  %s\n", rows[i].name, (unsigned long long)rows[i].bytes, size);
    }
    printf("  and at most %llu bytes of bookkeeping\n\n", (unsigned long long)b->bookkeeping);
    printf("an update: %.4g Mflop, predicted %.3g ms on one thread; forward of an evaluation batch: %.4g Mflop\n",
           t->step_flops * 1e-6, t->seconds * 1e3, t->forward_flops * 1e-6);
    if (cli_value(c, "parameters")) print_parameters(e);
    if (cli_value(c, "kernels")) print_rows(e->plan[0].plan);
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    gr_task task = {0};
    gr_engine engine = {0};
    uint64_t budget = 0;
    const char *text = cli_value(c, "budget");
    gr_status st = GR_OK;
    if (text && (!gr__parse_size(text, &budget) || !budget))
        return gr__fail(c->ctx, GR_E_RANGE, "--budget: %s is not a size such as 256M or 2G", text);
    GR_TRY(cli_recipe(c, c->argument[0], &r));
    GR_TRY(gr__task_estimate(c->ctx, r, &task));
    GR_TRY(gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &engine));
    GR_TRY(gr__engine_budget(&engine, budget ? budget : r->memory));
    totals t = {0};
    GR_TRY(add_up(&engine, &t));
    if (c->json)
        GR_TRY(print_json(c, &engine, &t));
    else if (!c->quiet)
        print_text(c, &engine, &t);
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {
    {"budget", "SIZE", "exit 4 if the run needs more tensor memory, as 256M or 2G", 0},
    {"parameters", NULL, "lists the parameters: name, shape, how many numbers, frozen or not", 0},
    {"kernels", NULL, "lists the kernels of an update with their predicted cost", 0},
    {0},
};

const cli_command cmd_plan = {.name = "plan",
                              .usage = "RECIPE [--budget SIZE] [--parameters] [--kernels]",
                              .summary = "Memory and time of a run, before anything is allocated",
                              .help = "`total` is the tensor memory that training then takes, to the byte; "
                                      "planned_bytes and peak_bytes of result.json are the same number.\n\n"
                                      "Example\n  gradus plan recipes/fashion.yaml --kernels\n",
                              .flags = flags,
                              .min_arguments = 1,
                              .max_arguments = 1,
                              .run = run};
