/* gradus batch: how large a batch is worth its samples, how large a one memory has room for, and what more would save.
 */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "study/search/batch.h"

typedef struct options {
    bool study;
    int64_t samples, smallest, largest, updates, seeds;
    double target;
    uint64_t budget;
    const char *out;
} options;

/* ---- options ---- */

static bool is_power(int64_t x)
{
    return x > 0 && (x & (x - 1)) == 0;
}

static gr_status check_options(cli *c, const options *o)
{
    static const char *const endings[] = {"svg", NULL}, *const of_study[] = {"smallest", "largest", "updates",
                                                                             "seeds",    "target",  "out"};
    for (size_t i = 0; i < GR_COUNT(of_study) && !o->study; i++)
        if (cli_given(c, of_study[i]))
            return gr__fail(c->ctx, GR_E_USAGE, "--%s belongs to --study, which is not asked for", of_study[i]);
    if (o->smallest && !is_power(o->smallest))
        return gr__fail(c->ctx, GR_E_RANGE, "--smallest: %lld is no power of two", (long long)o->smallest);
    if (o->largest && !is_power(o->largest))
        return gr__fail(c->ctx, GR_E_RANGE, "--largest: %lld is no power of two", (long long)o->largest);
    if (o->smallest && o->largest && o->smallest >= o->largest)
        return gr__fail(c->ctx, GR_E_USAGE, "--smallest %lld, --largest %lld: the first batch must be below the last",
                        (long long)o->smallest, (long long)o->largest);
    return o->out ? cli_check_ending(c, o->out, "a plot as SVG", endings) : GR_OK;
}

/* ---- the noise scale ---- */

static void put_noise(gr_result *r, const gr_noise *n)
{
    gr__result_put(r, "noise_scale=%g trace=%g gradient_norm2=%g resolved=%u", n->is.noise_scale, n->is.trace,
                   n->is.gradient_norm2, n->resolved);
    gr__result_put(r, "trace_over_norm=%g",
                   n->is.gradient_norm2 > 0 ? n->is.trace / sqrt(n->is.gradient_norm2) : (double)NAN);
    gr__result_put(r, "standard_error/noise_scale=%g standard_error/trace=%g standard_error/gradient_norm2=%g",
                   n->error.noise_scale, n->error.trace, n->error.gradient_norm2);
    gr__result_put(r, "group=%jd groups=%jd", n->group, n->groups);
}

static void note_noise(gr_result *r, const gr_noise *n, int64_t samples)
{
    gr__result_note(r, "gradients of %lld %s at the initial weights\n", (long long)n->groups,
                    n->group == 1 ? "samples" : gr__result_text(r, "batches of %lld", (long long)n->group));
    gr__result_note(r, "  sum of their variances  tr S    %12.5g  +- %.2g\n", n->is.trace, n->error.trace);
    gr__result_note(r, "  squared norm            |G|^2   %12.5g  +- %.2g\n", n->is.gradient_norm2,
                    n->error.gradient_norm2);
    if (n->resolved)
        gr__result_note(r,
                        "  noise scale             tr S / |G|^2  %6.4g  +- %.2g   (tr S / |G|, as the chapter writes "
                        "it, is %.4g in units of the gradient)\n",
                        n->is.noise_scale, n->error.noise_scale, n->is.trace / sqrt(n->is.gradient_norm2));
    else
        gr__result_note(r,
                        "  noise scale: not resolved; |G|^2 is not two standard errors above 0, so nothing can be "
                        "divided by it%s\n",
                        n->groups < 4                        ? ", nor are these groups enough"
                        : n->groups * n->group < samples / 2 ? "; --samples more may do"
                                                             : "");
}

/* ---- what follows ---- */

static void note_batches(gr_result *r, const gr_recipe *recipe, const gr_batch_found *b)
{
    char size[32];
    gr__size_text(b->budget, size, sizeof size);
    if (b->suggested)
        gr__result_note(r, "\nsuggested: data.batch: %lld, the power of two nearest to the noise scale%s\n",
                        (long long)b->suggested,
                        2 * b->suggested > b->samples && b->noise.is.noise_scale > 1.5 * (double)b->suggested
                            ? gr__result_text(r, " within the %lld training samples", (long long)b->samples)
                            : "");
    if (b->fits == b->samples)
        gr__result_note(r, "memory: all %lld training samples at once fit into %s (%s)\n", (long long)b->samples, size,
                        b->budget_from);
    else
        gr__result_note(r, "memory: %lld is the largest batch that fits into %s (%s)\n", (long long)b->fits, size,
                        b->budget_from);
    if (b->suggested > b->fits && b->fits)
        gr__result_note(r, "  %lld samples an update are data.batch: %lld with accumulate: %lld\n",
                        (long long)b->suggested, (long long)exp2(floor(log2((double)b->fits))),
                        (long long)b->suggested / (int64_t)exp2(floor(log2((double)b->fits))));
    if (recipe->accumulate > 1)
        gr__result_note(r, "the recipe's updates are of %lld samples: batch %lld, accumulate %lld\n",
                        (long long)(recipe->data.batch * recipe->accumulate), (long long)recipe->data.batch,
                        (long long)recipe->accumulate);
}

/* ---- the study ---- */

#define REAL_COLUMN(member, key, head, wide) \
    GR_COLUMN(gr_scaled, member, REAL, key, GR_SHOWN(head, wide), .digits = 4, .none = "-")
static const gr_column row_columns[] = {
    GR_COLUMN(gr_scaled, batch, WHOLE, "batch", GR_SHOWN("batch", 6)),
    GR_COLUMN(gr_scaled, lr, REAL, "lr", GR_SHOWN("rate", 10), .digits = 3),
    GR_COLUMN(gr_scaled, edge, TRUTH, "edge"),
    REAL_COLUMN(steps, "steps", "steps", 10),
    REAL_COLUMN(low, "low", "lowest", 10),
    REAL_COLUMN(high, "high", "highest", 10),
    REAL_COLUMN(ratio, "ratio", "saved", 8),
    REAL_COLUMN(ratio_low, "ratio_low", "lowest", 8),
    REAL_COLUMN(ratio_high, "ratio_high", "highest", 8),
    GR_COLUMN(gr_scaled, regime, INT, "regime", GR_SHOWN("regime", -12), .words = gr__regime_words, .gap = 2),
};

static void note_study(gr_result *r, const gr_scaling *s)
{
    gr__result_note(r, "critical batch %.4g (from single seeds %.4g to %.4g): steps = %.4g (1 + %.4g / batch)\n",
                    s->critical, s->critical_low, s->critical_high, s->least, s->critical);
    if (s->perfect_until)
        gr__result_note(r, "perfect scaling up to %lld: the largest batch for an established network\n",
                        (long long)s->perfect_until);
    else
        gr__result_note(r, "no doubling from %lld on is perfect\n", (long long)s->row[0].batch);
    if (s->stagnation_from) gr__result_note(r, "stagnation from %lld on\n", (long long)s->stagnation_from);
    if (s->noise.resolved)
        gr__result_note(r, "noise scale where the target is reached: %.4g +- %.2g\n", s->noise.is.noise_scale,
                        s->noise.error.noise_scale);
    else
        gr__result_note(r, "noise scale where the target is reached: not resolved\n");
    for (int above = 0; above < 2; above++)
        if (above ? s->failed_above : s->failed_below)
            gr__result_note(r, "batch %lld comes to the target at no rate that was tried\n",
                            (long long)(above ? s->failed_above : s->failed_below));
    for (int i = 0; i < s->n; i++)
        if (s->row[i].edge)
            gr__result_note(r, "batch %lld: the search for its rate ended at %.3g with none worse on one side\n",
                            (long long)s->row[i].batch, s->row[i].lr);
}

static void put_study(gr_result *r, const gr_scaling *s)
{
    const char *of = s->validated ? "validation" : "training";
    gr__result_note(r, "\nupdates until the %s cost is %.4g (%.4g at the start), %d seed%s, %lld trainings\n\n", of,
                    s->target, s->start, s->seeds, s->seeds > 1 ? "s" : "", (long long)s->trainings);
    GR_TABLE(r, "regimes", row_columns, s->row, s->n);
    gr__result_note(r, "\n");
    gr__result_put(r, "study/target=%g study/of=%s study/start=%g study/seeds=%d study/trainings=%jd study/updates=%jd",
                   s->target, of, s->start, s->seeds, s->trainings, s->updates);
    gr__result_put(r,
                   "study/critical_batch=%g study/critical_low=%g study/critical_high=%g study/least_steps=%g "
                   "study/perfect_until=%jd study/stagnation_from=%jd",
                   s->critical, s->critical_low, s->critical_high, s->least, s->perfect_until, s->stagnation_from);
    gr__result_put(r, "study/noise_scale=%g study/noise_error=%g", s->noise.is.noise_scale, s->noise.error.noise_scale);
    note_study(r, s);
}

/* ---- the plot ---- */

static const gr_column step_columns[] = {GR_NUMBER("batch", "", NULL), GR_NUMBER("steps", "", NULL),
                                         GR_NUMBER("fit", "", NULL), GR_NUMBER("perfect", "", NULL)};

static void draw(gr_result *r, const char *recipe, const gr_scaling *s)
{
    gr_table *t = gr__result_numbers(r, "steps", "steps to the target", step_columns, (int)GR_COUNT(step_columns));
    for (int i = 0; i < s->n; i++) {
        double batch = (double)s->row[i].batch;
        gr__result_row(r, t,
                       (const double[]){batch, s->row[i].steps, s->least * (1 + s->critical / batch),
                                        s->row[0].steps * (double)s->row[0].batch / batch});
    }
    gr_panel p = {
        .title = gr__result_text(r, "Updates to a target by batch: %s", recipe),
        .caption = gr__result_text(r, "%s cost %.4g, means over %d seeds, the rate tuned for each batch.",
                                   s->validated ? "Validation" : "Training", s->target, s->seeds),
        .x = {.label = "batch", .log = true},
        .y = {.label = "updates", .log = true},
        .curve = {
            {.label = "measured", .mark = GR_MARK_PATH, .table = "steps", .x = "batch", .y = "steps"},
            {.label = "perfect scaling", .mark = GR_MARK_DASHED, .table = "steps", .x = "batch", .y = "perfect"}}};
    if (!isnan(s->critical)) {
        p.curve[2] = (gr_curve){.label = gr__result_text(r, "%.3g (1 + %.3g / batch)", s->least, s->critical),
                                .mark = GR_MARK_LINE,
                                .table = "steps",
                                .x = "batch",
                                .y = "fit"};
        p.rule[0] = (gr_plot_rule){gr__result_text(r, "critical %.3g", s->critical), true, s->critical};
    }
    gr__result_draw(r, &p);
}

/* ---- all ---- */

static void answer(gr_result *r, const gr_recipe *recipe, const gr_batch_found *b)
{
    put_noise(r, &b->noise);
    note_noise(r, &b->noise, b->samples);
    if (b->suggested)
        gr__result_put(r, "suggested_batch=%jd", b->suggested);
    else
        gr__result_put(r, "suggested_batch");
    gr__result_put(r, "fits_memory=%jd memory=%jd memory_from=%s samples=%jd", b->fits, (int64_t)b->budget,
                   b->budget_from, b->samples);
    note_batches(r, recipe, b);
    if (b->scaling.n)
        put_study(r, &b->scaling);
    else
        gr__result_json(r, "regimes", json_array());
}

static gr_status find(cli *c, const gr_recipe *recipe)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    gr_batch_found *b = gr__result_alloc(r, sizeof *b);
    cli_view v = cli_view_make(c->quiet || c->json);
    if (!b) return GR_E_MEMORY;
    const gr_batch_options how = {.samples = o->samples,
                                  .budget = o->budget,
                                  .study = o->study,
                                  .scaling = {.smallest = o->smallest,
                                              .largest = o->largest,
                                              .updates = o->updates,
                                              .target = cli_given(c, "target") ? o->target : (double)NAN,
                                              .seeds = (int)o->seeds},
                                  .stop = &cli_stop,
                                  .watch = cli_view_watch(&v)};
    cli_catch_signals();
    gr_status st = gr__batch_find(c->ctx, recipe, &how, b);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) return gr__fail(c->ctx, st, "interrupted");
    if (st != GR_OK) return st;
    answer(r, recipe, b);
    if (o->out) {
        draw(r, recipe->name, &b->scaling);
        st = cli_write_drawing(c, r, o->out);
    }
    return st == GR_OK ? cli_show(c, r) : st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    gr_status st = GR_OK;
    GR_TRY(check_options(c, c->options));
    GR_TRY(cli_recipe(c, c->argument[0], &r));
    st = find(c, r);
done:
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, samples, WHOLE, "samples", "N",
               "training samples that gradients are taken of; up to 4096 unless given, fewer of large networks",
               .low = 4, .high = 1e9),
    CLI_OPTION(options, budget, SIZE, "budget", "SIZE",
               "of the memory that a batch must fit; the recipe's `memory`, or the machine's unless given"),
    CLI_OPTION(options, study, SWITCH, "study", NULL,
               "measures the updates to a target at several batches, the rate tuned for each"),
    CLI_OPTION(options, smallest, WHOLE, "smallest", "B", "of the study's batches, a power of two; 8 unless given",
               .low = 1, .high = 1 << 30),
    CLI_OPTION(options, largest, WHOLE, "largest", "B",
               "the last; 1024 unless given, or what memory and a quarter of the training samples allow", .low = 2,
               .high = 1 << 30),
    CLI_OPTION(options, updates, WHOLE, "updates", "N",
               "that the batch in the middle takes to the target, about; 100 unless given", .low = 20, .high = 1e6,
               .usual = 100),
    CLI_OPTION(options, target, REAL, "target", "COST",
               "of validation, or of training where there is no such part; what those updates reach unless given",
               .low = -1e30, .high = 1e30),
    CLI_OPTION(options, seeds, WHOLE, "seeds", "N", "trainings at each rate; 3 unless given", .low = 1,
               .high = GR_SCALING_SEEDS, .usual = 3),
    CLI_OPTION(options, out, TEXT, "out", "PLOT.svg", "draws the study's steps against batches", .letter = 'o'),
};

GR_COMMAND(batch) = {
    .name = "batch",
    .place = 12,
    .usage = "RECIPE [--samples N] [--budget SIZE] [--study [--smallest B] [--largest B] [--updates N] [--target COST] "
             "[--seeds N] [-o PLOT.svg]]",
    .summary = "How large a batch is worth its samples",
    .help =
        "The gradient noise scale is the sum of the variances of a sample's gradient by the squared norm of their mean "
        "(McCandlish et al. 2018). Far below it twice the batch halves\n"
        "the updates; far above, more samples say nothing new. It is measured at the initial weights, without bias, "
        "from two batch sizes: single samples (batches, where the\n"
        "network normalises by them) and all of them together, and told with its standard error. Where the gradient is "
        "lost in its noise it is not resolved, and nothing is suggested.\n\n"
        "What fits memory is known from the plans alone, as gradus plan counts them.\n\n"
        "--study trains to a target at batches of 8, 16, ... with a rate found for each (factors of two, up to nine of "
        "them), several seeds, at constant rates and without accumulating,\n"
        "and fits steps = least (1 + critical / batch). A doubling that divides the updates by 1.8 or more is perfect "
        "scaling, by 1.1 or less stagnation, else returns diminish.\n"
        "A training ends where it takes half as long again as the best so far.\n\n"
        "Examples\n  gradus batch recipes/fashion.yaml\n"
        "  gradus batch my.yaml --budget 2G\n"
        "  gradus batch my.yaml --study --largest 512 -o steps.svg\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
