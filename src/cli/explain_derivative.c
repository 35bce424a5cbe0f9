/* gradus explain 'dL/dw[0][3,2]': one derivative by the chain rule, with its numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "graph/shape.h"
#include "study/derivative.h"

enum { MOST_TERMS = 64, USUAL_TERMS = 4 };

/* ---- flags ---- */

/* A flag's whole number in [low, high]; the default where it was not given. */
static gr_status number(cli *c, const char *flag, int64_t low, int64_t high, int64_t usual, int64_t *out)
{
    const char *text = cli_value(c, flag);
    double x;
    *out = usual;
    if (!text) return GR_OK;
    if (!gr__parse_number(text, &x) || x != floor(x) || x < (double)low || x > (double)high)
        return gr__fail(c->ctx, GR_E_RANGE, "--%s: %s is not a whole number from %lld to %lld", flag, text,
                        (long long)low, (long long)high);
    *out = (int64_t)x;
    return GR_OK;
}

static gr_status read_flags(cli *c, gr_derivative_options *o)
{
    int64_t most;
    gr_status st = GR_OK;
    GR_TRY(number(c, "sample", 0, INT32_MAX, 0, &o->first));
    GR_TRY(number(c, "batch", 1, INT32_MAX, 1, &o->batch));
    GR_TRY(number(c, "terms", 1, MOST_TERMS, USUAL_TERMS, &most));
    o->most = (int)most;
    o->mode = cli_value(c, "evaluate") ? GR_MODE_EVALUATE : GR_MODE_TRAIN;
done:
    return st;
}

/* ---- text ---- */

static const char *short_number(double x, char *text, size_t n)
{
    snprintf(text, n, "%.6g", x == 0 ? 0 : x); /* no -0 */
    return text;
}

/* A factor that is negative stands in brackets. */
static void print_product(double a, double b)
{
    char x[32], y[32];
    printf(a < 0 ? "(%s) * " : "%s * ", short_number(a, x, sizeof x));
    printf(b < 0 ? "(%s)" : "%s", short_number(b, y, sizeof y));
}

/* A sum of its own: what the cost itself reads has no other factor than the derivative. */
static bool is_cost_step(const gr_chain_step *s)
{
    return s->n == 1 && s->left_out == 0 && strcmp(s->term[0].of, "L") == 0;
}

static void print_step(const gr_chain_step *s)
{
    char a[32], b[32];
    printf("  dL/d%s", s->of);
    if (s->through[0]) printf("    through %s", s->through);
    printf("\n");
    if (is_cost_step(s)) {
        printf("      = %s\n", short_number(s->slope, a, sizeof a));
        return;
    }
    for (int i = 0; i < s->n; i++) {
        const gr_chain_term *t = &s->term[i];
        printf("      %c dL/d%s * ", i ? '+' : '=', t->of);
        if (t->factor[0])
            printf("%s", t->factor);
        else
            printf("d%s/d%s", t->of, s->of);
        printf("  =  ");
        print_product(t->slope, t->local);
        printf("  =  %s\n", short_number(t->slope * t->local, a, sizeof a));
    }
    if (s->left_out)
        printf("      + %lld more term%s, together %s\n", (long long)s->left_out, s->left_out == 1 ? "" : "s",
               short_number(s->rest, b, sizeof b));
    if (s->n == 0)
        printf("      = 0: nothing after it moves with it\n");
    else if (s->n > 1 || s->left_out)
        printf("      = %s\n", short_number(s->slope, a, sizeof a));
}

static void print_samples(const gr_derivative *d, gr_mode mode)
{
    if (d->samples == 1)
        printf("of sample %lld", (long long)d->row[0]);
    else
        printf("%s over %lld samples, %lld the first", d->reduction, (long long)d->samples, (long long)d->row[0]);
    printf("; %s mode; float64\n", mode == GR_MODE_TRAIN ? "training" : "evaluation");
}

static void print_text(const gr_derivative *d, gr_mode mode)
{
    char shape[96], a[32], label[32];
    printf("dL/d%s    ", d->element.name);
    if (d->layer[0]) printf("in %s \"%s\", ", d->kind, d->layer);
    printf("shape %s", gr__shape_text(d->shape, shape));
    if (d->element.layer >= 0) printf(", layer %d of those with weights", d->element.layer);
    printf("\nL: %s ", d->cost_name);
    print_samples(d, mode);
    printf("\nforward\n");
    for (int i = 0; i < d->n_forward; i++)
        printf("  %-28s %s\n", d->forward[i].name, short_number(d->forward[i].value, a, sizeof a));
    printf("  %-28s %s\n", "L", short_number(d->cost, a, sizeof a));
    printf("\nfrom the cost back\n");
    for (int i = 0; i < d->n_steps; i++) print_step(&d->step[i]);
    printf("\ndL/d%s\n", d->element.name);
    const struct {
        const char *name;
        double value;
    } rows[] = {{"chain rule", d->chain}, {"compiled gradient", d->compiled}, {"central difference", d->difference}};
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        printf("  %-28s %.9g\n", rows[i].name, rows[i].value == 0 ? 0 : rows[i].value);
    printf("  %s\n", d->agree ? "they agree" : "THEY DIFFER");
    snprintf(label, sizeof label, d->parameters == 1 ? "The derivative" : "All %lld derivatives",
             (long long)d->parameters);
    printf("\n%s of this cost: %.0f arithmetic operations forward and %.0f backward,\n%.0f of the latter "
           "multiplications and additions of "
           "matrix products and convolutions\n",
           label, d->forward_operations, d->backward_operations, d->backward_products);
}

/* ---- JSON ---- */

static json_t *step_json(const gr_chain_step *s)
{
    json_t *terms = json_array();
    for (int i = 0; i < s->n; i++)
        json_array_append_new(terms, json_pack("{s:s, s:o, s:o, s:s}", "of", s->term[i].of, "derivative",
                                               cli_real(s->term[i].slope), "local", cli_real(s->term[i].local),
                                               "factor", s->term[i].factor));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "of", s->of, "through", s->through, "value",
                     cli_real(s->value), "derivative", cli_real(s->slope), "terms", terms, "left_out",
                     (json_int_t)s->left_out, "rest", cli_real(s->rest));
}

static gr_status print_json(cli *c, const gr_derivative *d, gr_mode mode)
{
    json_t *rows = json_array(), *forward = json_array(), *chain = json_array(), *shape = json_array();
    for (int64_t i = 0; i < d->samples; i++) json_array_append_new(rows, json_integer(d->row[i]));
    for (int i = 0; i < d->shape.rank; i++) json_array_append_new(shape, json_integer(d->shape.dim[i]));
    for (int i = 0; i < d->n_forward; i++)
        json_array_append_new(
            forward, json_pack("{s:s, s:o}", "name", d->forward[i].name, "value", cli_real(d->forward[i].value)));
    for (int i = 0; i < d->n_steps; i++) json_array_append_new(chain, step_json(&d->step[i]));
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "of", d->element.name, "layer",
                          d->layer, "type", d->kind, "shape", shape, "mode",
                          mode == GR_MODE_TRAIN ? "train" : "evaluate", "samples", rows, "cost", d->cost_name,
                          "reduction", d->reduction, "value", cli_real(d->cost), "forward", forward, "chain", chain);
    if (o) {
        json_object_set_new(o, "derivative", cli_real(d->chain));
        json_object_set_new(o, "compiled", cli_real(d->compiled));
        json_object_set_new(o, "difference", cli_real(d->difference));
        json_object_set_new(o, "tolerance", cli_real(d->tolerance));
        json_object_set_new(o, "agree", json_boolean(d->agree));
        json_object_set_new(o, "operations",
                            json_pack("{s:o, s:o, s:o, s:I}", "forward", cli_real(d->forward_operations), "backward",
                                      cli_real(d->backward_operations), "backward_products",
                                      cli_real(d->backward_products), "derivatives", (json_int_t)d->parameters));
    }
    gr_status printed = cli_json(c, o);
    if (printed != GR_OK) return printed;
    c->answered = true;
    return GR_OK;
}

/* ---- from a recipe or a model ---- */

static gr_status answer(cli *c, const gr_recipe *r, gr_derivative_options *o)
{
    gr_derivative d;
    gr_status st = gr__derivative(c->ctx, r, o, c->memory, &d);
    if (st != GR_OK) return st;
    if (c->json)
        st = print_json(c, &d, o->mode);
    else if (!c->quiet)
        print_text(&d, o->mode);
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
    if (c->n_sets) {
        gr__fail(c->ctx, GR_E_USAGE, "--set %s: the recipe of a model is not to be changed", c->set[0]);
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
    gr_derivative_options o = {.what = c->argument[0]};
    gr_recipe *r = NULL;
    gr_status st = read_flags(c, &o);
    if (st != GR_OK) return st;
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
