/* gradus grow: a network layer by layer, checked at every stage, towards a recipe or until an error is reached. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "study/grow/grow.h"

typedef struct options {
    const char *until, *towards, *skip, *out;
    int64_t updates, seeds;
} options;

/* ---- options ---- */

/* train_error<0.01 */
static gr_status read_until(cli *c, const char *text, double *out)
{
    static const char key[] = "train_error<";
    *out = NAN;
    if (!text) return GR_OK;
    if (strncmp(text, key, strlen(key)) == 0 && gr__parse_number(text + strlen(key), out) && *out > 0) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "--until %s: it is no bound of the training error", text);
    gr__error_hint(c->ctx, "write --until 'train_error<0.01', with a number above 0");
    return GR_E_USAGE;
}

/* ---- stages ---- */

typedef struct shown {
    cli *c;
    cli_view *view;
    gr__text last; /* the recipe of the last stage that passed */
} shown;

typedef struct check_row {
    const char *id, *verdict;
    double figure, limit;
} check_row;
static const gr_column check_columns[] = {
    GR_COLUMN(check_row, id, TEXT, "id"),
    GR_COLUMN(check_row, verdict, TEXT, "verdict"),
    GR_COLUMN(check_row, figure, REAL, "figure"),
    GR_COLUMN(check_row, limit, REAL, "limit"),
};
static const gr_column rate_columns[] = {
    GR_COLUMN(gr_rate_tried, lr, REAL, "lr"),
    GR_COLUMN(gr_rate_tried, cost, REAL, "cost"),
    GR_COLUMN(gr_rate_tried, diverged, TRUTH, "diverged"),
};

static void put_checks(gr_result *r, const gr_grow_stage *s)
{
    check_row *all = gr__result_alloc(r, sizeof *all * GR_CHECKS);
    for (int i = 0; i < s->n_checks && all; i++)
        all[i] = (check_row){s->checks[i].id, gr__verdict_name(s->checks[i].verdict), s->checks[i].figure,
                             s->checks[i].limit};
    GR_TABLE(r, "checks", check_columns, all, s->n_checks);
}

/* "ok", or what is not: "T5 warning". */
static const char *sum_up(gr_result *r, const gr_grow_stage *s)
{
    const char *text = NULL;
    int ok = 0;
    for (int i = 0; i < s->n_checks; i++) {
        const gr_finding *f = &s->checks[i];
        ok += f->verdict == GR_VERDICT_OK;
        if (f->verdict == GR_VERDICT_WARNING || f->verdict == GR_VERDICT_FAILED)
            text = gr__result_text(r, "%s%s%s %s", text ? text : "", text ? ", " : "", f->id,
                                   gr__verdict_name(f->verdict));
    }
    return text ? gr__result_text(r, "%d ok, %s", ok, text) : gr__result_text(r, "%d ok", ok);
}

static void note(gr_result *r, const gr_grow_stage *s)
{
    char train[40] = "-", validation[40] = "-", rate[40] = "-";
    if (!isnan(s->lr)) snprintf(rate, sizeof rate, "%.3g", s->lr);
    if (!isnan(s->train_error)) snprintf(train, sizeof train, "%.4g", s->train_error);
    if (!isnan(s->scatter)) snprintf(train + strlen(train), sizeof train - strlen(train), " +- %.2g", s->scatter);
    if (!isnan(s->validation_error)) snprintf(validation, sizeof validation, "%.4g", s->validation_error);
    if (s->stage == 1)
        gr__result_note(r, "%5s  %-24s %12s %9s %20s %11s %8s  %s\n", "stage", "adds", "parameters", "rate",
                        "training error", "validation", "updates", "checks");
    gr__result_note(r, "%5d  %-24.24s %12lld %9s %20s %11s %8lld  %s\n", s->stage, s->net.added,
                    (long long)s->net.parameters, rate, train, validation, (long long)s->updates, sum_up(r, s));
}

static gr_status tell(void *user, const gr_grow_stage *s)
{
    shown *o = user;
    gr_result *r = cli_result(o->c);
    cli_view_clear(o->view);
    gr__result_put(r, "stage=%d added=%s", s->stage, s->net.added);
    gr__result_list(r, "layers", (gr_list){.text = s->net.layers, .n = (size_t)s->net.n_layers});
    gr__result_put(r, "parameters=%jd lr=%g train_error=%g validation_error=%g scatter=%g updates=%jd passed=%u",
                   s->net.parameters, s->lr, s->train_error, s->validation_error, s->scatter, s->updates, !s->failed);
    put_checks(r, s);
    GR_TABLE(r, "rates", rate_columns, s->rates.point, s->rates.n);
    note(r, s);
    if (!s->failed) {
        gr__bump *b = r->memory;
        gr_tree *t = gr__tree_copy(b, s->net.recipe->resolved), *optimizer = gr__tree_get(t, "optimizer");
        gr__text_free(&o->last);
        gr__text_init(&o->last, o->c->ctx);
        if (!t || (gr__tree_get(optimizer, "lr") && !gr__tree_put_number(b, optimizer, "lr", s->lr)))
            return gr__error_code(o->c->ctx);
        gr__tree_write(t, &o->last, 0);
    }
    gr_status st = cli_show(o->c, r);
    fflush(stdout); /* the next stage takes its time */
    return st;
}

static gr_status grow(cli *c, const gr_recipe *base, const gr_recipe *target, double until)
{
    const options *o = c->options;
    cli_view v = cli_view_make(c->quiet || c->json);
    shown user = {.c = c, .view = &v};
    const gr_grow_options how = {.until = until,
                                 .updates = o->updates,
                                 .seeds = (int)o->seeds,
                                 .skip = o->skip,
                                 .stop = &cli_stop,
                                 .watch = cli_view_watch(&v),
                                 .tell = tell,
                                 .user = &user};
    gr_grown grown;
    gr__text_init(&user.last, c->ctx);
    cli_catch_signals();
    gr_status st = gr__grow_network(c->ctx, base, target, &how, &grown);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) st = gr__fail(c->ctx, st, "interrupted after %d stages", grown.stages);
    if (st == GR_OK && o->out) st = gr__file_write(c->ctx, o->out, user.last.s, user.last.n);
    gr__text_free(&user.last);
    return st;
}

static gr_status run(cli *c)
{
    static const char *const endings[] = {"yaml", "yml", NULL};
    const options *o = c->options;
    gr_recipe *base = NULL, *target = NULL;
    double until;
    gr_status st = GR_OK;
    if (!o->until && !o->towards) {
        gr__fail(c->ctx, GR_E_USAGE, "grow: how far? --until or --towards is missing");
        gr__error_hint(c->ctx, "gradus grow r.yaml --until 'train_error<0.01', or --towards other.yaml");
        return GR_E_USAGE;
    }
    GR_TRY(read_until(c, o->until, &until));
    if (o->out) GR_TRY(cli_check_ending(c, o->out, "a recipe in YAML", endings));
    if (o->out && gr__file_exists(o->out)) GR_TRY(gr__fail(c->ctx, GR_E_EXISTS, "%s exists already", o->out));
    GR_TRY(cli_recipe(c, c->argument[0], &base));
    if (o->towards) GR_TRY(gr__recipe_open(c->ctx, o->towards, NULL, 0, &target));
    st = grow(c, base, target ? target : base, until);
done:
    if (base) gr__recipe_close(c->ctx, base);
    if (target) gr__recipe_close(c->ctx, target);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, until, TEXT, "until", "train_error<E",
        "ends at the first stage below; beyond the recipe's layers units and filters are doubled, three times at "
        "most"),
    CLI_OPTION(options, towards, TEXT, "towards", "OTHER",
               "takes the layers of this recipe, data and the rest from RECIPE"),
    CLI_OPTION(options, updates, WHOLE, "updates", "N",
               "of a training; 300 unless given, up to 16 times as many where a stage needs them", .low = 1,
               .high = 1e9, .usual = 300),
    CLI_OPTION(options, seeds, WHOLE, "seeds", "N", "trainings a stage, from different seeds; 3 unless given", .low = 1,
               .high = GR_GROW_SEEDS, .usual = 3),
    CLI_OPTION(options, skip, TEXT, "skip", "ID,ID", "checks to leave out, as gradus check has them"),
    CLI_OPTION(options, out, TEXT, "out", "NEW", "writes the recipe of the last stage, with its rate", .letter = 'o'),
};

GR_COMMAND(grow) = {
    .name = "grow",
    .place = 22,
    .usage = "RECIPE --until train_error<E | --towards OTHER",
    .summary = "Grows a network layer by layer, checked at every stage",
    .help =
        "The first stage is what gives the output alone, behind the input; each stage after it has one more layer with "
        "weights, and what belongs to that (a norm, an activation, a pooling).\n"
        "A stage ends only where nothing beside its last layer is taken further on, so shortcuts come as a whole. The "
        "last stage is the network itself.\n\n"
        "Each stage is checked (T3 to T7, I1, I2, P4), gets the best of eleven rates, tried for 100 updates each from "
        "the same weights, and is trained from several seeds. It fails, exit code 1\n"
        "with the layer that it added, where a check fails, where no update moves the new weights, or where the "
        "training "
        "error is above the former stage's by more than seeds and\n"
        "samples scatter, though it was given up to 16 times as many updates.\n\n"
        "Example\n  gradus grow recipes/fashion.yaml --until 'train_error<0.1'\n"
        "  gradus grow recipes/zoo/lenet5.yaml --towards recipes/zoo/lenet5.yaml --updates 100\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
