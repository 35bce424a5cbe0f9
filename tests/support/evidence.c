/* Reading evidence, comparing with it, and running one case after the other. */
#include "support/evidence.h"

/* ---- reading ---- */

static bool ev_read_tensor(ev_tensor *t, char *line)
{
    char *at = line, *end;
    int used = 0;
    if (sscanf(at, "tensor %39s%n", t->name, &used) != 1) return false;
    at += used;
    for (int64_t size = strtoll(at, &end, 10); end != at; at = end, size = strtoll(at, &end, 10)) {
        if (t->shape.rank == GR_MAX_RANK) return false;
        t->shape.dim[t->shape.rank++] = size;
    }
    if (!(at = strchr(at, ':'))) return false;
    int64_t count = gr_shape_count(t->shape);
    t->v = calloc((size_t)(count ? count : 1), sizeof *t->v);
    at++;
    for (double x = strtod(at, &end); end != at; at = end, x = strtod(at, &end)) {
        if (!t->v || t->n == count) return false;
        t->v[t->n++] = x;
    }
    return t->n == count;
}

static bool ev_read_line(evidence *e, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    ev_case *c = e->n ? &e->c[e->n - 1] : NULL;
    if (line[0] == '#' || line[0] == '\0') return true;
    if (strncmp(line, "case ", 5) == 0) {
        ev_case *all = realloc(e->c, (size_t)(e->n + 1) * sizeof *all);
        if (!all) return false;
        e->c = all;
        c = &e->c[e->n++];
        *c = (ev_case){.n_words = 0};
        return snprintf(c->name, sizeof c->name, "%s", line + 5) < (int)sizeof c->name;
    }
    if (!c) return false;
    if (strncmp(line, "set ", 4) == 0) return snprintf(c->set, sizeof c->set, "%s", line + 4) < (int)sizeof c->set;
    if (strncmp(line, "word ", 5) == 0)
        return c->n_words < (int)GR_COUNT(c->word) &&
               sscanf(line, "word %23s %31s", c->key[c->n_words], c->word[c->n_words]) == 2 && ++c->n_words;
    return c->n_tensors < (int)GR_COUNT(c->tensor) && ev_read_tensor(&c->tensor[c->n_tensors], line) && ++c->n_tensors;
}

void ev_free(evidence *e)
{
    for (int i = 0; e && i < e->n; i++)
        for (int k = 0; k < e->c[i].n_tensors; k++) free(e->c[i].tensor[k].v);
    if (e) free(e->c);
    free(e);
}

/* The cases of a file; false if it cannot be read. */
static bool ev_read(evidence *e, const char *path, bool needed)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = f != NULL || !needed;
    while (f && ok && getline(&line, &room, f) >= 0) ok = ev_read_line(e, line);
    free(line);
    if (f) fclose(f);
    return ok;
}

evidence *ev_open(const char *family, const char *member)
{
    evidence *e = calloc(1, sizeof *e);
    char more[sizeof e->path];
    if (!e) return NULL;
    snprintf(e->path, sizeof e->path, "tests/family/%s/%s.txt", family, member);
    snprintf(more, sizeof more, "tests/family/%s/%s.more.txt", family, member);
    if (ev_read(e, e->path, true) && ev_read(e, more, false) && e->n > 0) return e;
    ev_free(e);
    return NULL;
}

const ev_tensor *ev_find(const ev_case *c, const char *name)
{
    for (int i = 0; i < c->n_tensors; i++)
        if (strcmp(c->tensor[i].name, name) == 0) return &c->tensor[i];
    return NULL;
}

const char *ev_word(const ev_case *c, const char *key)
{
    for (int i = 0; i < c->n_words; i++)
        if (strcmp(c->key[i], key) == 0) return c->word[i];
    return "";
}

double ev_number(const ev_case *c, const char *name)
{
    const ev_tensor *t = ev_find(c, name);
    return t ? t->v[0] : (double)NAN;
}

/* ---- comparing ---- */

bool ev_bad(verdict *v, const ev_case *c, const char *what, const char *detail)
{
    snprintf(v->why, sizeof v->why, "%s: %s: %s", c->name, what, detail);
    return false;
}

bool ev_failed(verdict *v, gr_context *ctx, const ev_case *c, const char *what)
{
    return ev_bad(v, c, what, gr_context_error(ctx)->message);
}

bool ev_near(verdict *v, const ev_case *c, const char *what, const double *got, const double *want, int64_t n,
             double tolerance)
{
    double scale = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(want[i])) scale = fmax(scale, fabs(want[i]));
    for (int64_t i = 0; i < n; i++) {
        bool same = got[i] == want[i] || (isnan(got[i]) && isnan(want[i]));
        if (same || fabs(got[i] - want[i]) <= tolerance * scale) continue;
        char detail[160];
        snprintf(detail, sizeof detail, "element %lld is %.17g, the evidence says %.17g", (long long)i, got[i],
                 want[i]);
        return ev_bad(v, c, what, detail);
    }
    return true;
}

/* ---- evaluating a graph with leaves by name ---- */

void ev_leaf(ev_leaves *l, const char *name, const double *v)
{
    assert_true(l->n < (int)GR_COUNT(l->leaf));
    l->leaf[l->n].name = name;
    l->leaf[l->n++].v = v;
}

const double *ev_get_leaf(void *user, const gr_graph *g, const gr_node *node)
{
    const ev_leaves *l = user;
    (void)g;
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->leaf[i].name, node->attr.name) == 0) return l->leaf[i].v;
    return NULL;
}

void ev_put(const gr_backend *backend, gr_dtype dtype, gr_shape shape, void *to, const double *from)
{
    for (int64_t i = 0, n = gr_shape_count(shape); i < n; i++) {
        if (dtype == GR_I32)
            ((int32_t *)to)[i] = (int32_t)from[i];
        else if (shape.rank == 0 || gr_backend_real_bytes(backend) == sizeof(double))
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    }
}

static void ev_take(const gr_backend *backend, gr_shape shape, const void *from, double *to)
{
    bool doubles = shape.rank == 0 || gr_backend_real_bytes(backend) == sizeof(double);
    for (int64_t i = 0, n = gr_shape_count(shape); i < n; i++)
        to[i] = doubles ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static bool ev_stored(const gr_node *n)
{
    return n->op->code == GR_OP_PARAM || n->op->code == GR_OP_SLOT;
}

/* Runs a plan for one value on the backend of `l`; the graph's parameters and states come from the leaves too. */
static gr_status ev_run(gr_graph *g, gr_val v, ev_leaves *l, double *r)
{
    gr_context *ctx = gr__graph_context(g);
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    gr_status st = GR_OK;
    char name[16];
    snprintf(name, sizeof name, "out%d", (int)gr__graph_effects(g).n_outputs);
    gr_output(g, name, v);
    GR_TRY(gr_store_create(ctx, l->backend, &store));
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) {
        const gr_node *node = gr__node(g, i);
        gr_entry_spec spec = {
            .name = node->attr.name, .shape = gr_shape_of(g, node->out), .slot = node->op->code == GR_OP_SLOT};
        if (ev_stored(node)) GR_TRY(gr_store_add(store, &spec, NULL));
    }
    GR_TRY(gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = l->backend, .name = "evidence"}, &plan));
    GR_TRY(gr_store_seal(store));
    GR_TRY(gr_plan_bind(plan, NULL));
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) {
        const gr_node *node = gr__node(g, i);
        bool stored = ev_stored(node);
        if (!stored && node->op->code != GR_OP_FEED) continue;
        const double *from = ev_get_leaf(l, g, node);
        void *to = stored ? gr_store_find(store, node->attr.name)->data : gr_plan_feed(plan, node->attr.name, NULL);
        if (from && to) ev_put(l->backend, gr_dtype_of(g, node->out), gr_shape_of(g, node->out), to, from);
    }
    GR_TRY(gr_plan_run(plan));
    ev_take(l->backend, gr_shape_of(g, v), gr_plan_output(plan, name, NULL), r);
done:
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    return st;
}

double *ev_value(gr_graph *g, gr_val v, ev_leaves *l)
{
    double *r = calloc((size_t)gr_shape_count(gr_shape_of(g, v)) + 1, sizeof *r);
    if (r && (l->backend ? ev_run(g, v, l, r) : gr__eval(g, &v, 1, ev_get_leaf, l, &r)) == GR_OK) return r;
    free(r);
    return NULL;
}

bool ev_holds(verdict *v, gr_context *ctx, const ev_case *c, gr_graph *g, gr_val value, ev_leaves *l, const char *want,
              double tolerance)
{
    const ev_tensor *t = ev_find(c, want);
    if (!t) return ev_bad(v, c, want, "the evidence has none");
    if (gr_graph_status(g) != GR_OK) return ev_failed(v, ctx, c, want);
    if (!gr__shape_equal(gr_shape_of(g, value), t->shape)) {
        char text[96];
        return ev_bad(v, c, "shape", gr__shape_text(gr_shape_of(g, value), text));
    }
    double *got = ev_value(g, value, l);
    if (!got) return ev_failed(v, ctx, c, want);
    bool ok = ev_near(v, c, want, got, t->v, t->n, tolerance);
    free(got);
    return ok;
}

/* ---- what every check starts from ---- */

bool ev_begin(ev_bench *b, const char *set)
{
    *b = (ev_bench){.tolerance = 1e-10};
    if (gr_context_create(NULL, &b->ctx) != GR_OK) return false;
    b->memory = gr__bump_create(b->ctx);
    b->tree = b->memory ? gr__tree_flow(b->memory, set) : NULL;
    return b->tree && gr_graph_create(b->ctx, &b->g) == GR_OK;
}

void ev_end(ev_bench *b)
{
    gr_graph_destroy(b->g);
    if (b->memory) gr__bump_destroy(b->memory);
    gr_context_destroy(b->ctx);
}

bool ev_check(ev_check_case check, const void *member, const evidence *e, const gr_backend *backend, double tolerance,
              verdict *v)
{
    bool ok = true;
    for (int i = 0; ok && i < e->n; i++) {
        ev_bench b;
        ok = ev_begin(&b, e->c[i].set) || ev_bad(v, &e->c[i], "set", "cannot be read");
        b.backend = backend, b.tolerance = tolerance;
        ok = ok && check(&b, member, &e->c[i], v);
        ev_end(&b);
    }
    return ok;
}
