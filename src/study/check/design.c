/* What a recipe's layers say of themselves: a walk over them, and over layers within layers. Nothing is run. All of it
 * is advice. [mission X4, T9, X15] */
#include <math.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/rule.h"

enum { ENOUGH = 32, DESIGN_BATCH = 256 }; /* samples of a batch: for its statistics; while a design is tried */

typedef struct seen { /* how many of a kind, and the first of them */
    int n;
    char first[160];
} seen;

typedef struct design {
    const gr_probe *p;
    gr__bump *memory;
    gr_status st;
    seen drops, norms, of_batches, sigmoids;
} design;

static void add(seen *s, const gr_layer *m, const char *name)
{
    if (s->n++ == 0) snprintf(s->first, sizeof s->first, "%s \"%.100s\"", m->head.name, name);
}

/* `sigmoid "a"`, `sigmoid "a" and 2 others` */
static const char *told(const seen *s, char text[200])
{
    snprintf(text, 200, s->n > 2 ? "%s and %d others" : s->n == 2 ? "%s and another" : "%s", s->first, s->n - 1);
    return text;
}

/* ---- one layer ---- */

static bool drops(const gr_layer *m, const gr_settings *s)
{
    return m->drop_rate && gr__setting_real(s, m->drop_rate) > 0;
}

static bool normalises(const gr_layer *m, const gr_settings *s)
{
    return m->normalises || (m->norm_choice && !gr__setting_is(s, m->norm_choice, "none"));
}

static bool by_small_batches(const gr_layer *m, const gr_settings *s)
{
    bool frozen = gr__member_has(&m->head, "frozen") && gr__setting_bool(s, "frozen");
    return m->normalises == GR_NORMALISES_BATCHES && !m->corrects && !frozen;
}

static void look(design *d, const gr_layer *m, const gr_settings *s, const char *name, bool hidden);

/* A layer that a row names. Of rows that name an activation only `activation` says what values become; others are
 * gates. */
static void look_at_tree(design *d, const gr_tree *t, const char *row, const char *name, bool hidden)
{
    gr_context *ctx = d->p->ctx;
    const gr_layer *m = gr__tree_none(t) ? NULL : (const gr_layer *)gr__family_peek(ctx, &gr__family_layer, t);
    gr_layer_said said;
    if (!m || d->st != GR_OK) return;
    d->st = gr__layer_said(ctx, d->memory, m, t, d->p->recipe->preset, &said);
    if (d->st != GR_OK) return;
    bool values = !m->activation_only || strcmp(row, "activation") == 0 || strcmp(row, "layers") == 0;
    look(d, m, &said.settings, name, hidden && values);
    if (said.activation) look_at_tree(d, said.activation, "activation", name, true);
}

static void look(design *d, const gr_layer *m, const gr_settings *s, const char *name, bool hidden)
{
    if (drops(m, s)) add(&d->drops, m, name);
    if (normalises(m, s)) add(&d->norms, m, name);
    if (by_small_batches(m, s)) add(&d->of_batches, m, name);
    if (hidden && m->activation_only && m->follow == GR_FOLLOW_SIGMOID) add(&d->sigmoids, m, name);
    for (int i = 0; i < m->head.n_rows && !m->parts; i++) { /* parts stand in the stack by themselves */
        const gr_row *row = &m->head.rows[i];
        const gr_tree *t = row->kind == GR_ROW_TREE ? gr__setting_tree(s, row->name) : NULL;
        if (!t) continue;
        for (int k = 0; t->kind == GR_TREE_LIST && k < t->n; k++) look_at_tree(d, t->child[k], "layers", name, true);
        if (t->kind != GR_TREE_LIST) look_at_tree(d, t, row->name, name, hidden || m->inner_activation);
    }
}

/* ---- all of them ---- */

static void walk(design *d)
{
    const gr_recipe *r = d->p->recipe;
    gr_standing *stands = gr__bump_alloc(d->memory, (size_t)r->stack->n * sizeof *stands);
    if (!stands) {
        d->st = GR_E_MEMORY;
        return;
    }
    gr__stack_standing(r, stands);
    for (int i = 0; i < r->stack->n; i++) {
        const gr_stacked *l = &r->stack->layer[i];
        bool hidden = stands[i] == GR_STANDS_WITHIN && !l->last;
        look(d, l->member, &l->settings, l->name, hidden);
        if (l->activation) look_at_tree(d, l->activation, "activation", l->name, hidden);
    }
}

/* ---- what is said ---- */

static void say_drops(const design *d, gr_finding *out)
{
    char a[200], b[200];
    if (d->drops.n && d->norms.n) {
        gr__finding_set(out, GR_VERDICT_WARNING, d->drops.n, 0,
                        "%s together with %s: their noise disturbs each other; leave the dropout out (`gradus convert "
                        "RECIPE --drop-dropout -o NEW`)",
                        told(&d->drops, a), told(&d->norms, b));
        gr__finding_fix(out, "gradus convert %s --drop-dropout -o NEW.yaml", d->p->recipe->path);
    } else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "no dropout together with a normalisation: %d and %d", d->drops.n,
                        d->norms.n);
}

/* While a design is tried, a small batch says more of it. [T2] */
static bool too_large_for_design(const design *d, double batch, gr_finding *out)
{
    if (d->p->recipe->phase != GR_PROJECT_DESIGN || batch <= DESIGN_BATCH) return false;
    gr__finding_set(out, GR_VERDICT_WARNING, batch, DESIGN_BATCH,
                    "a design is tried with small batches, not with %.0f samples", batch);
    gr__finding_fix(out, "data.batch: %d", ENOUGH);
    return true;
}

static void say_batches(const design *d, gr_finding *out)
{
    char a[200];
    double batch = (double)d->p->batch;
    if (too_large_for_design(d, batch, out)) return;
    if (d->of_batches.n && batch < ENOUGH) {
        gr__finding_set(out, GR_VERDICT_WARNING, batch, ENOUGH,
                        "%s normalises by batches of %.0f, whose statistics are mostly chance (`accumulate` makes them "
                        "no better): take data.batch: %d, or a norm of each sample (`gradus convert RECIPE --norm "
                        "group -o NEW`)",
                        told(&d->of_batches, a), batch, ENOUGH);
        gr__finding_fix(out, "data.batch: %d", ENOUGH);
        gr__finding_fix(out, "gradus convert %s --norm group -o NEW.yaml", d->p->recipe->path);
    } else if (d->of_batches.n)
        gr__finding_set(out, GR_VERDICT_OK, batch, ENOUGH, "batches of %.0f are enough to normalise by", batch);
    else
        gr__finding_set(out, GR_VERDICT_OK, batch, ENOUGH, "nothing normalises by the batch of %.0f", batch);
}

static void say_sigmoids(const design *d, gr_finding *out)
{
    char a[200];
    if (d->sigmoids.n) {
        gr__finding_set(
            out, GR_VERDICT_WARNING, d->sigmoids.n, 0,
            "%s: what it gives is positive and soon has no slope; a sigmoid is for gates and for the output "
            "of two classes, else take tanh (`gradus convert RECIPE --sigmoid tanh -o NEW`)",
            told(&d->sigmoids, a));
        gr__finding_fix(out, "gradus convert %s --sigmoid tanh -o NEW.yaml", d->p->recipe->path);
    } else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "no sigmoid between layers");
}

static gr_status judge(gr_check *c, void (*say)(const design *, gr_finding *), gr_finding *out)
{
    design d = {.p = &c->probe, .memory = gr__bump_create(c->ctx)};
    if (!d.memory) return GR_E_MEMORY;
    walk(&d);
    say(&d, out);
    gr__bump_destroy(d.memory);
    return d.st;
}

gr_status gr__check_design(gr_probe *p, gr_finding *dropout, gr_finding *batches, gr_finding *sigmoid)
{
    design d = {.p = p, .memory = gr__bump_create(p->ctx)};
    if (!d.memory) return GR_E_MEMORY;
    walk(&d);
    say_drops(&d, dropout);
    say_batches(&d, batches);
    say_sigmoids(&d, sigmoid);
    gr__bump_destroy(d.memory);
    return d.st;
}

static gr_status judge_drops(gr_check *c, gr_finding *out)
{
    return judge(c, say_drops, out);
}

GR_RULE(dropout_beside_norm) = {
    .head = {.family = "rule",
             .name = "dropout_beside_norm",
             .title = "No dropout beside a normalisation",
             .cite = "the chapter, 4.5.3 step 4; Li et al. 2018",
             .equations = "a walk over the layers, and over layers within layers"},
    .as = {{"X4", "dropout, norms"}},
    .reads = GR_READS_PROBE,
    .limit = "0",
    .unit = "layers that drop",
    .judge = judge_drops,
};

static gr_status judge_batches(gr_check *c, gr_finding *out)
{
    return judge(c, say_batches, out);
}

GR_RULE(norm_batch) = {
    .head = {.family = "rule",
             .name = "norm_batch",
             .title = "Batches large enough to normalise by",
             .cite = "the chapter, 4.5.2 and 4.5.3 step 5; Ioffe 2017",
             .equations = "samples of a micro-batch, where a layer normalises by the statistics of its batch"},
    .as = {{"T9", "batch norm"}, {"X5", "batch"}},
    .reads = GR_READS_PROBE,
    .limit = "32",
    .unit = "samples of a micro-batch",
    .judge = judge_batches,
};

static gr_status judge_sigmoids(gr_check *c, gr_finding *out)
{
    return judge(c, say_sigmoids, out);
}

GR_RULE(hidden_sigmoids) = {
    .head = {.family = "rule",
             .name = "hidden_sigmoids",
             .title = "No sigmoid between layers",
             .cite = "the chapter, 4.5.3 step 15",
             .equations = "a walk over the layers; gates, and the output of two classes, may be sigmoids"},
    .as = {{"X15", "sigmoids"}},
    .reads = GR_READS_PROBE,
    .limit = "0",
    .unit = "sigmoids",
    .judge = judge_sigmoids,
};
