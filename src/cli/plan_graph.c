#include "cli/plan_graph.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "plan/budget/budget.h"

enum { MOST_NODES = 4096, MOST_FILE = 1 << 24 };
static const double MOST_BYTES = 9007199254740992; /* 2^53: whole numbers that JSON carries */

/* ---- reading ---- */

typedef struct reading {
    cli *c;
    const char *path;
    gr_budget_graph *graph;
    double *cost;
    int64_t *bytes;
    int *first, *from;
} reading;

static gr_status number(const reading *r, const json_t *map, const char *key, int node, double high, double *out)
{
    const json_t *x = json_object_get(map, key);
    char where[48] = "";
    if (node >= 0) snprintf(where, sizeof where, "nodes[%d].", node);
    *out = json_number_value(x);
    if (json_is_number(x) && *out >= 0 && *out <= high && (high < MOST_BYTES || *out == floor(*out))) return GR_OK;
    return gr__fail(r->c->ctx, GR_E_FORMAT, "%s: %s%s is to be a %s from 0", r->path, where, key,
                    high < MOST_BYTES ? "number" : "whole number of bytes");
}

static int rising(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* "from": indices of nodes before this one, in any order. */
static gr_status read_from(const reading *r, const json_t *map, int node, int *n)
{
    const json_t *list = json_object_get(map, "from");
    int *to = r->from + r->first[node];
    *n = (int)json_array_size(list);
    if (list && !json_is_array(list))
        return gr__fail(r->c->ctx, GR_E_FORMAT, "%s: nodes[%d].from is to be a list of nodes", r->path, node);
    for (int e = 0; e < *n; e++) {
        const json_t *x = json_array_get(list, (size_t)e);
        if (!json_is_integer(x) || json_integer_value(x) < 0 || json_integer_value(x) >= node)
            return gr__fail(
                r->c->ctx, GR_E_FORMAT,
                "%s: nodes[%d].from names what is no node before it: they come in topological order, from 0", r->path,
                node);
        to[e] = (int)json_integer_value(x);
    }
    qsort(to, (size_t)*n, sizeof *to, rising);
    for (int e = 1; e < *n; e++)
        if (to[e] == to[e - 1])
            return gr__fail(r->c->ctx, GR_E_FORMAT, "%s: nodes[%d].from names %d twice", r->path, node, to[e]);
    return GR_OK;
}

static gr_status read_nodes(reading *r, const json_t *nodes)
{
    size_t n = json_array_size(nodes), edges = 0, i;
    const json_t *map;
    gr_status st = GR_OK;
    json_array_foreach(nodes, i, map) edges += json_array_size(json_object_get(map, "from"));
    r->cost = gr__bump_alloc(r->c->memory, sizeof *r->cost * (n + 1));
    r->bytes = gr__bump_alloc(r->c->memory, sizeof *r->bytes * (n + 1));
    r->first = gr__bump_alloc(r->c->memory, sizeof *r->first * (n + 1));
    r->from = gr__bump_alloc(r->c->memory, sizeof *r->from * (edges + 1));
    if (!r->cost || !r->bytes || !r->first || !r->from) return gr__error_code(r->c->ctx);
    json_array_foreach(nodes, i, map)
    {
        double bytes;
        int reads;
        if (!json_is_object(map))
            GR_TRY(
                gr__fail(r->c->ctx, GR_E_FORMAT, "%s: nodes[%zu] is no {\"cost\", \"bytes\", \"from\"}", r->path, i));
        GR_TRY(number(r, map, "cost", (int)i, 1e15, &r->cost[i]));
        GR_TRY(number(r, map, "bytes", (int)i, MOST_BYTES, &bytes));
        GR_TRY(read_from(r, map, (int)i, &reads));
        r->bytes[i] = (int64_t)bytes;
        r->first[i + 1] = r->first[i] + reads;
    }
    *r->graph = (gr_budget_graph){(int)n, r->cost, r->bytes, r->first, r->from, 0};
done:
    return st;
}

static gr_status read_graph(cli *c, const char *path, gr_budget_graph *out)
{
    reading r = {.c = c, .path = path, .graph = out};
    char *data = NULL;
    size_t bytes = 0;
    json_error_t error;
    double fixed = 0;
    json_t *root = NULL;
    gr_status st = gr__file_read(c->ctx, path, MOST_FILE, &data, &bytes);
    if (st != GR_OK) return st;
    root = json_loadb(data, bytes, JSON_REJECT_DUPLICATES, &error);
    const json_t *nodes = json_object_get(root, "nodes");
    if (!root) GR_TRY(gr__fail(c->ctx, GR_E_FORMAT, "%s:%d: no JSON: %s", path, error.line, error.text));
    if (!json_is_array(nodes))
        GR_TRY(gr__fail(c->ctx, GR_E_FORMAT, "%s: no {\"nodes\": [...], \"fixed\": BYTES}", path));
    if (json_array_size(nodes) > MOST_NODES)
        GR_TRY(gr__fail(c->ctx, GR_E_FORMAT, "%s: %zu nodes, and %d are the most", path, json_array_size(nodes),
                        MOST_NODES));
    GR_TRY(read_nodes(&r, nodes));
    if (json_object_get(root, "fixed")) GR_TRY(number(&r, root, "fixed", -1, MOST_BYTES, &fixed));
    out->fixed = (int64_t)fixed;
done:
    json_decref(root);
    gr__free(c->ctx, data, bytes + 1);
    return st;
}

/* ---- showing ---- */

static json_t *steps(const gr_budget_schedule *s)
{
    json_t *all = json_array();
    for (int i = 0; i < s->n; i++)
        json_array_append_new(all, json_pack("[si]", s->step[i].frees ? "free" : "compute", s->step[i].node));
    return all;
}

/* Lines of what is computed, each up to where something is freed. */
static void note_steps(gr_result *r, const gr_budget_schedule *s)
{
    for (int i = 0; i < s->n; i++) {
        bool begins = i == 0 || s->step[i].frees != s->step[i - 1].frees;
        if (begins) gr__result_note(r, "%s", s->step[i].frees ? "   free" : i ? "\ncompute" : "compute");
        gr__result_note(r, " %d", s->step[i].node);
    }
    gr__result_note(r, "\n\n");
}

gr_status cli_plan_graph(cli *c, const char *path, uint64_t budget, int way)
{
    gr_budget_graph g;
    gr_budget_schedule s;
    gr_budget_options o = {.way = (gr_budget_way)way};
    gr_status st = read_graph(c, path, &g);
    int64_t bytes = budget < (uint64_t)MOST_BYTES ? (int64_t)budget : (int64_t)MOST_BYTES;
    if (st == GR_OK) st = gr__budget_solve(c->ctx, c->memory, &g, bytes, &o, &s);
    if (st != GR_OK) return st;
    double once = 0, gap = s.cost > 0 ? (s.cost - s.bound) / s.cost : 0;
    if (gap < 1e-9) gap = 0;
    for (int i = 0; i < g.n; i++) once += g.cost[i];
    gr_result *r = cli_result(c);
    note_steps(r, &s);
    gr__result_note(r, "cost %g, %g of it computed again; at most %lld bytes stand\n", s.cost, s.cost - once,
                    (long long)s.peak);
    if (gap > 0)
        gr__result_note(r, "found by %s; no schedule costs less than %g, so %.3g %% at most are to be gained\n", s.way,
                        s.bound, 100 * gap);
    else
        gr__result_note(r, "found by %s; none costs less\n", s.way);
    gr__result_put(r, "cost=%g peak=%jd bound=%g gap=%g", s.cost, s.peak, s.bound, gap);
    gr__result_json(r, "steps", steps(&s));
    gr__result_json(r, "way", json_string(s.way));
    return cli_show(c, r);
}
