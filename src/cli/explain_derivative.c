/* gradus explain 'dL/dw[0][3,2]': one derivative by the chain rule, with its numbers. */
#include <string.h>

#include "cli/explain.h"
#include "graph/shape.h"
#include "study/derivative/derivative.h"

/* ---- text ---- */

static const char *short_number(double x, char *text, size_t n)
{
    snprintf(text, n, "%.6g", x == 0 ? 0 : x); /* no -0 */
    return text;
}

/* A factor that is negative stands in brackets. */
static void note_product(gr_result *r, double a, double b)
{
    char x[32], y[32];
    gr__result_note(r, a < 0 ? "(%s) * " : "%s * ", short_number(a, x, sizeof x));
    gr__result_note(r, b < 0 ? "(%s)" : "%s", short_number(b, y, sizeof y));
}

/* A sum of its own: what the cost itself reads has no other factor than the derivative. */
static bool is_cost_step(const gr_chain_step *s)
{
    return s->n == 1 && s->left_out == 0 && strcmp(s->term[0].of, "L") == 0;
}

static void note_step(gr_result *r, const gr_chain_step *s)
{
    char a[32], b[32];
    gr__result_note(r, "  dL/d%s", s->of);
    if (s->through[0]) gr__result_note(r, "    through %s", s->through);
    gr__result_note(r, "\n");
    if (is_cost_step(s)) {
        gr__result_note(r, "      = %s\n", short_number(s->slope, a, sizeof a));
        return;
    }
    for (int i = 0; i < s->n; i++) {
        const gr_chain_term *t = &s->term[i];
        gr__result_note(r, "      %c dL/d%s * ", i ? '+' : '=', t->of);
        if (t->factor[0])
            gr__result_note(r, "%s", t->factor);
        else
            gr__result_note(r, "d%s/d%s", t->of, s->of);
        gr__result_note(r, "  =  ");
        note_product(r, t->slope, t->local);
        gr__result_note(r, "  =  %s\n", short_number(t->slope * t->local, a, sizeof a));
    }
    if (s->left_out)
        gr__result_note(r, "      + %lld more term%s, together %s\n", (long long)s->left_out,
                        s->left_out == 1 ? "" : "s", short_number(s->rest, b, sizeof b));
    if (s->n == 0)
        gr__result_note(r, "      = 0: nothing after it moves with it\n");
    else if (s->n > 1 || s->left_out)
        gr__result_note(r, "      = %s\n", short_number(s->slope, a, sizeof a));
}

static void note_samples(gr_result *r, const gr_derivative *d, gr_mode mode)
{
    if (d->samples == 1)
        gr__result_note(r, "of sample %lld", (long long)d->row[0]);
    else
        gr__result_note(r, "%s over %lld samples, %lld the first", d->reduction, (long long)d->samples,
                        (long long)d->row[0]);
    gr__result_note(r, "; %s mode; float64\n", mode == GR_MODE_TRAIN ? "training" : "evaluation");
}

static void note_all(gr_result *r, const gr_derivative *d, gr_mode mode)
{
    char shape[96], a[32], label[32];
    gr__result_note(r, "dL/d%s    ", d->element.name);
    if (d->layer[0]) gr__result_note(r, "in %s \"%s\", ", d->kind, d->layer);
    gr__result_note(r, "shape %s", gr__shape_text(d->shape, shape));
    if (d->element.layer >= 0) gr__result_note(r, ", layer %d of those with weights", d->element.layer);
    gr__result_note(r, "\nL: %s ", d->cost_name);
    note_samples(r, d, mode);
    gr__result_note(r, "\nforward\n");
    for (int i = 0; i < d->n_forward; i++)
        gr__result_note(r, "  %-28s %s\n", d->forward[i].name, short_number(d->forward[i].value, a, sizeof a));
    gr__result_note(r, "  %-28s %s\n", "L", short_number(d->cost, a, sizeof a));
    gr__result_note(r, "\nfrom the cost back\n");
    for (int i = 0; i < d->n_steps; i++) note_step(r, &d->step[i]);
    gr__result_note(r, "\ndL/d%s\n", d->element.name);
    const struct {
        const char *name;
        double value;
    } rows[] = {{"chain rule", d->chain}, {"compiled gradient", d->compiled}, {"central difference", d->difference}};
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        gr__result_note(r, "  %-28s %.9g\n", rows[i].name, rows[i].value == 0 ? 0 : rows[i].value);
    gr__result_note(r, "  %s\n", d->agree ? "they agree" : "THEY DIFFER");
    snprintf(label, sizeof label, d->parameters == 1 ? "The derivative" : "All %lld derivatives",
             (long long)d->parameters);
    gr__result_note(r,
                    "\n%s of this cost: %.0f arithmetic operations forward and %.0f backward,\n%.0f of the latter "
                    "multiplications and additions of "
                    "matrix products and convolutions\n",
                    label, d->forward_operations, d->backward_operations, d->backward_products);
}

/* ---- members ---- */

static const gr_column forward_columns[] = {
    GR_COLUMN(gr_forward_row, name, TEXT, "name"),
    GR_COLUMN(gr_forward_row, value, REAL, "value"),
};
static const gr_column term_columns[] = {
    GR_COLUMN(gr_chain_term, of, TEXT, "of"),
    GR_COLUMN(gr_chain_term, slope, REAL, "derivative"),
    GR_COLUMN(gr_chain_term, local, REAL, "local"),
    GR_COLUMN(gr_chain_term, factor, TEXT, "factor"),
};
typedef struct link {
    gr_chain_step step;
    gr_table terms;
} link_row;
static const gr_column chain_columns[] = {
    GR_COLUMN(link_row, step.of, TEXT, "of"),       GR_COLUMN(link_row, step.through, TEXT, "through"),
    GR_COLUMN(link_row, step.value, REAL, "value"), GR_COLUMN(link_row, step.slope, REAL, "derivative"),
    GR_COLUMN(link_row, terms, ROWS, "terms"),      GR_COLUMN(link_row, step.left_out, WHOLE, "left_out"),
    GR_COLUMN(link_row, step.rest, REAL, "rest"),
};
static void add_all(gr_result *r, const gr_derivative *d, gr_mode mode)
{
    int64_t *rows = gr__result_alloc(r, sizeof *rows * (size_t)d->samples);
    link_row *chain = gr__result_alloc(r, sizeof *chain * (size_t)d->n_steps);
    for (int64_t i = 0; i < d->samples && rows; i++) rows[i] = d->row[i];
    for (int i = 0; i < d->n_steps && chain; i++)
        chain[i] = (link_row){d->step[i],
                              {.columns = term_columns,
                               .n_columns = (int)GR_COUNT(term_columns),
                               .rows = d->step[i].term,
                               .n = (size_t)d->step[i].n,
                               .row_bytes = sizeof *d->step[i].term}};
    gr__result_put(r, "of=%s layer=%s type=%s", d->element.name, d->layer, d->kind);
    gr__result_list(r, "shape", (gr_list){.whole = d->shape.dim, .n = (size_t)d->shape.rank});
    gr__result_put(r, "mode=%s", mode == GR_MODE_TRAIN ? "train" : "evaluate");
    gr__result_list(r, "samples", (gr_list){.whole = rows, .n = (size_t)d->samples});
    gr__result_put(r, "cost=%s reduction=%s value=%g", d->cost_name, d->reduction, d->cost);
    GR_TABLE(r, "forward", forward_columns, d->forward, d->n_forward);
    GR_TABLE(r, "chain", chain_columns, chain, d->n_steps);
    gr__result_put(r, "derivative=%g compiled=%g difference=%g tolerance=%g agree=%u", d->chain, d->compiled,
                   d->difference, d->tolerance, d->agree);
    r->within = "operations/";
    gr__result_put(r, "forward=%g backward=%g backward_products=%g derivatives=%jd", d->forward_operations,
                   d->backward_operations, d->backward_products, d->parameters);
}

/* ---- from a recipe or a model ---- */

static gr_status answer(cli *c, const gr_recipe *recipe, gr_derivative_options *o)
{
    gr_derivative d;
    gr_status st = gr__derivative(c->ctx, recipe, o, c->memory, &d);
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    add_all(r, &d, o->mode);
    note_all(r, &d, o->mode);
    st = cli_show(c, r);
    if (st != GR_OK || d.agree) return st;
    gr__fail(c->ctx, GR_E_CHECK,
             "dL/d%s: the chain rule gives %.12g, the compiled gradient %.12g, the central difference %.12g",
             d.element.name, d.chain, d.compiled, d.difference);
    gr__error_hint(c->ctx, "a difference is wrong by itself at a kink: a ReLU's sums that are exactly 0, equal values "
                           "in a max-pool's window");
    return GR_E_CHECK;
}

/* A model file begins with the length of its header, eight bytes of which the upper are 0, and the header's brace. A
 * file that cannot be read is the recipe reader's to refuse. */
static bool is_model(const char *path)
{
    unsigned char head[9];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    return n == sizeof head && head[7] == 0 && head[8] == '{';
}

static gr_status of_model(cli *c, gr_derivative_options *o)
{
    gr_model model = {0};
    gr_status st = GR_OK;
    if (c->sets.n) {
        gr__fail(c->ctx, GR_E_USAGE, "--set %s: the recipe of a model is not to be changed", c->sets.at[0]);
        gr__error_hint(c->ctx, "give the recipe instead, to look at its initial weights");
        return GR_E_USAGE;
    }
    GR_TRY(gr__model_open(c->ctx, c->argument[1], &model));
    GR_TRY(cli_resources(c, model.recipe));
    o->model = &model;
    GR_TRY(answer(c, model.recipe, o));
done:
    gr__model_close(&model);
    return st;
}

gr_status cli_explain_derivative(cli *c)
{
    const cli_explain_options *given = c->options;
    gr_derivative_options o = {.what = c->argument[0],
                               .first = given->sample,
                               .batch = given->batch,
                               .most = (int)given->terms,
                               .mode = given->evaluate ? GR_MODE_EVALUATE : GR_MODE_TRAIN};
    gr_recipe *r = NULL;
    gr_status st = GR_OK;
    if (c->n_arguments < 2) {
        st = gr__fail(c->ctx, GR_E_USAGE, "explain %s: of which model?", o.what);
        gr__error_hint(c->ctx, "gradus explain '%s' RECIPE, or a model file", o.what);
        return st;
    }
    if (is_model(c->argument[1])) return of_model(c, &o);
    GR_TRY(cli_recipe(c, c->argument[1], &r));
    GR_TRY(answer(c, r, &o));
done:
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}
