/* gradus data view: samples to look at, as the trainer gets them. */
#include <string.h>

#include "base/file.h"
#include "cli/cmd_data.h"
#include "cli/source.h"
#include "study/data/view.h"

typedef struct options {
    const char *out, *mistakes;
    int part;
    int64_t count, epoch;
    bool augmented;
} options;

static gr_status check_options(cli *c, const options *o)
{
    static const char *const endings[] = {"html", "htm", "png", NULL};
    if (!o->out) {
        gr__fail(c->ctx, GR_E_USAGE, "data view: where to? -o FILE is missing");
        gr__error_hint(c->ctx, "-o sheet.html, or -o sheet.png");
        return GR_E_USAGE;
    }
    if (o->augmented && o->mistakes)
        return gr__fail(c->ctx, GR_E_USAGE, "--augmented and --mistakes: a model is judged by samples as they are");
    if (cli_given(c, "epoch") && !o->augmented)
        return gr__fail(c->ctx, GR_E_USAGE, "--epoch says how --augmented samples are changed");
    return cli_check_ending(c, o->out, "a sheet", endings);
}

static bool is_png(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".png") == 0;
}

static gr_status write_sheet(cli *c, const gr_sheet *s, const char *path)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = is_png(path) ? gr__sheet_png(s, &t) : gr__sheet_html(s, &t);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    gr__text_free(&t);
    return st;
}

static gr_view_options view_of(const options *o)
{
    return (gr_view_options){.part = (gr_part)o->part, .count = o->count, .changed = o->augmented, .epoch = o->epoch};
}

static gr_status show(cli *c, const options *o, const gr_sheet *s)
{
    gr_result *r = cli_result(c);
    gr__result_put(r, "sheet=%s part=%s samples=%jd", o->out, gr__part_name((gr_part)o->part), (intmax_t)s->n_cards);
    gr__result_note(r, "%lld samples of the %s part: %s\n", (long long)s->n_cards, gr__part_name((gr_part)o->part),
                    cli_shown(c, o->out));
    return cli_show(c, r);
}

static gr_status view(cli *c, const gr_recipe *r, const options *o)
{
    gr_task t = {0};
    gr_sheet s = {0};
    gr_view_options wanted = view_of(o);
    gr_status st = GR_OK;
    GR_TRY(cli_resources(c, r));
    GR_TRY(gr__task_open(c->ctx, r, 1u << o->part, NULL, &t));
    GR_TRY(gr__sheet_open(c->ctx, r->name, &s));
    GR_TRY(gr__view_samples(&t, &wanted, &s));
    GR_TRY(write_sheet(c, &s, o->out));
    st = show(c, o, &s);
done:
    gr__sheet_close(&s);
    gr__task_close(&t);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *r = NULL;
    gr_status st = check_options(c, o);
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = view(c, r, o);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "FILE", "the sheet to write: .html or .png", .letter = 'o'),
    CLI_OPTION(options, part, WORD, "part", "PART", "train, validation or test; train unless given",
               .words = cli_part_words),
    CLI_OPTION(options, count, WHOLE, "count", "N", "how many samples at most; 64 unless given", .low = 1,
               .high = GR_VIEW_MOST, .usual = 64),
    CLI_OPTION(options, augmented, SWITCH, "augmented", NULL,
               "beside each training sample what the recipe's `augment` makes of it"),
    CLI_OPTION(options, epoch, WHOLE, "epoch", "N", "in which epoch, from 0 (the default)", .high = 1e9),
};

const cli_command cli_data_view = {.name = "data view",
                                   .usage = "RECIPE -o sheet.html [--part PART] [--count N] [--augmented]",
                                   .summary = "Samples to look at, exactly as the trainer gets them",
                                   CLI_OPTIONS(options, rows),
                                   .min_arguments = 1,
                                   .max_arguments = 1,
                                   .run = run};
