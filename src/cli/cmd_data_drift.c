/* gradus data drift: do samples that a model is given come from what it was trained with? */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/cmd_data.h"
#include "cli/source.h"
#include "study/data/served.h"
#include "train/raw.h"

typedef struct options {
    const char *data;
    double alpha;
} options;

static double drifts(const void *row)
{
    return ((const gr_drift_test *)row)->drifts;
}
static const char *const drift_words[] = {"", "DRIFT"};

static const gr_column test_columns[] = {
    GR_COLUMN(gr_drift_test, name, TEXT, "feature"),
    GR_COLUMN(gr_drift_test, is.statistic, REAL, "statistic"),
    GR_COLUMN(gr_drift_test, is.p, REAL, "p"),
    GR_COLUMN(gr_drift_test, adjusted, REAL, "adjusted"),
    GR_COLUMN(gr_drift_test, drifts, TRUTH, "drift"),
    GR_COLUMN(gr_drift_test, training.mean, REAL, "training/mean"),
    GR_COLUMN(gr_drift_test, training.std, REAL, "training/std"),
    GR_COLUMN(gr_drift_test, training.missing, REAL, "training/missing"),
    GR_COLUMN(gr_drift_test, serving.mean, REAL, "serving/mean"),
    GR_COLUMN(gr_drift_test, serving.std, REAL, "serving/std"),
    GR_COLUMN(gr_drift_test, serving.missing, REAL, "serving/missing"),
};
static const gr_column shown_columns[] = {
    GR_COLUMN(gr_drift_test, name, TEXT, NULL, GR_SHOWN("feature", -24), .digits = 24),
    GR_COLUMN(gr_drift_test, is.statistic, REAL, NULL, GR_SHOWN("distance", 9), .digits = 4, .style = 'f'),
    GR_COLUMN(gr_drift_test, adjusted, REAL, NULL, GR_SHOWN("adjusted p", 11), .digits = 2),
    GR_COLUMN(gr_drift_test, training.mean, REAL, NULL, GR_SHOWN("training", 12), .digits = 4, .none = "none"),
    GR_COLUMN(gr_drift_test, training.std, REAL, NULL, GR_SHOWN("std", 10), .digits = 3, .none = "none"),
    GR_COLUMN(gr_drift_test, serving.mean, REAL, NULL, GR_SHOWN("serving", 12), .digits = 4, .none = "none"),
    GR_COLUMN(gr_drift_test, serving.std, REAL, NULL, GR_SHOWN("std", 10), .digits = 3, .none = "none"),
    GR_COLUMN(gr_drift_test, drifts, TRUTH, NULL, GR_SHOWN("", 0), .words = drift_words, .number = drifts, .gap = 1),
};

static int by_p(const void *a, const void *b)
{
    const gr_drift_test *x = a, *y = b;
    if (x->adjusted != y->adjusted) return x->adjusted < y->adjusted ? -1 : 1;
    return (x->is.statistic < y->is.statistic) - (x->is.statistic > y->is.statistic);
}

/* The farthest ones, with names as a terminal may show them. */
static void note_features(cli *c, gr_result *r, const gr_drift *d)
{
    enum { MOST = 30 };
    gr_drift_test *all = gr__result_alloc(r, sizeof *all * (size_t)GR_MAX(d->n, 1));
    if (!all || d->n == 0) return;
    for (int64_t i = 0; i < d->n; i++) {
        all[i] = d->feature[i];
        all[i].name = cli_shown(c, all[i].name);
    }
    qsort(all, (size_t)d->n, sizeof *all, by_p);
    GR_TABLE(r, NULL, shown_columns, all, GR_MIN(d->n, MOST));
    if (d->n > MOST) gr__result_note(r, "and %lld more, none of them farther\n", (long long)(d->n - MOST));
}

static void put_drifted(gr_result *r, const gr_drift *d)
{
    json_t *names = json_array();
    for (int64_t i = 0; i < d->n; i++)
        if (d->feature[i].drifts) json_array_append_new(names, gr__json_string(d->feature[i].name));
    gr__result_json(r, "drifted", names);
}

static gr_status show(cli *c, const gr_drift *d, const gr_drift_side side[2], double alpha)
{
    gr_result *r = cli_result(c);
    const char *file = c->argument[1];
    gr__result_put(r, "file=%s samples/training=%jd samples/serving=%jd alpha=%g drift=%u", file, side[0].n, side[1].n,
                   alpha, d->found > 0);
    put_drifted(r, d);
    GR_TABLE(r, "tests", test_columns, d->feature, d->n);
    if (d->has_joint)
        gr__result_put(r, "joint/statistic=%g joint/p=%g joint/adjusted=%g joint/drift=%u", d->joint.is.statistic,
                       d->joint.is.p, d->joint.adjusted, d->joint.drifts);
    else
        gr__result_put(r, "joint");
    gr__result_note(r,
                    "%s, %lld samples, against the training data, %lld: %lld tests, at most %g to find drift where "
                    "there is none\n\n",
                    cli_shown(c, file), (long long)side[1].n, (long long)side[0].n, (long long)d->tests, alpha);
    note_features(c, r, d);
    if (d->has_joint)
        gr__result_note(r, "\nall together: energy distance %.4g, adjusted p %.2g%s\n", d->joint.is.statistic,
                        d->joint.adjusted, d->joint.drifts ? "  DRIFT" : "");
    if (d->found == 0) gr__result_note(r, "no drift found\n");
    return cli_show(c, r);
}

static gr_status conclude(cli *c, const gr_drift *d)
{
    const gr_drift_test *worst = NULL;
    if (d->found == 0) return GR_OK;
    for (int64_t i = 0; i < d->n; i++)
        if (d->feature[i].drifts && (!worst || by_p(&d->feature[i], worst) < 0)) worst = &d->feature[i];
    return worst
               ? gr__fail(c->ctx, GR_E_CHECK, "%s has drifted by %d of %lld tests, most of all %s", c->argument[1],
                          (int)d->found, (long long)d->tests, worst->name)
               : gr__fail(c->ctx, GR_E_CHECK, "%s has drifted: no feature by itself, but all together", c->argument[1]);
}

/* What it was trained with: as the model holds it, or where it holds nothing, or --data is given, the data itself. */
static gr_status open_training(cli *c, const cli_source *s, bool anew, gr_task *t, gr_drift_side *out)
{
    const gr_meaning *m = &s->model.meaning;
    const gr_recipe *r = s->model.recipe;
    if (m->traits.value && !anew) {
        *out =
            (gr_drift_side){.n = m->traits.samples, .kept = &m->traits, .schema = m->schema.table ? &m->schema : NULL};
        for (int i = 0; i < r->n_inputs; i++)
            out->shape[i] = gr__prepare_takes(m->prepared[i], m->n_prepared[i], r->input[i].sample);
        return GR_OK;
    }
    gr_status st = gr__task_open(c->ctx, &s->recipe, 1u << GR_PART_TRAIN, &s->model, t);
    if (st == GR_E_FILE && !gr_context_error(c->ctx)->hint[0])
        gr__error_hint(c->ctx, "--data RECIPE says where the model's training data is now");
    if (st == GR_OK)
        *out = (gr_drift_side){
            .set = t->set_of[GR_PART_TRAIN], .row = t->rows[GR_PART_TRAIN].row, .n = t->rows[GR_PART_TRAIN].n};
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    cli_source s = {0};
    gr_task training = {0};
    gr_set serving = {0};
    gr_drift_side side[2];
    gr_drift d;
    gr_status st = GR_OK;
    GR_TRY(cli_source_open(c, &(cli_source_options){.data = o->data, .split = GR_PART_TRAIN}, &s));
    GR_TRY(open_training(c, &s, o->data != NULL, &training, &side[0]));
    GR_TRY(gr__raw_load(c->ctx, &s.model, c->argument[1], NULL, 0, &serving));
    side[1] = (gr_drift_side){.set = &serving, .n = serving.n};
    GR_TRY(gr__drift(c->ctx, c->memory, &side[0], &side[1], o->alpha, s.recipe.seed, &d));
    GR_TRY(show(c, &d, side, o->alpha));
    st = conclude(c, &d);
done:
    gr__set_free(c->ctx, &serving);
    gr__task_close(&training);
    cli_source_close(c, &s);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, data, TEXT, "data", "RECIPE",
               "compares with all of this training data, a recipe or a source, instead of what the model holds"),
    CLI_OPTION(options, alpha, REAL, "alpha", "P",
               "how often drift may be found where there is none, over all tests; 0.01 unless given", .low = 1e-12,
               .high = 1, .usual = 0.01),
};

const cli_command cli_data_drift = {
    .name = "data drift",
    .usage = "MODEL SERVING",
    .summary = "Whether samples that a model is given come from what it was trained with",
    .help =
        "SERVING is what predict takes: a table with or without the target, an array, a folder. Each feature has the "
        "test of Kolmogorov and Smirnov\n"
        "(a missing value counts as the lowest), adjusted after Holm; all together have a permutation test of the "
        "energy distance, which also sees\n"
        "features that only go together otherwise than they did. Features of pictures and sequences are mean and "
        "spread of each channel.\n"
        "Exit code 1 when drift is found. Small drift is not found in few samples, and is in many: look at the "
        "distance.\n\n"
        "Example\n  gradus data drift runs/t/best.safetensors serving.csv\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run};
