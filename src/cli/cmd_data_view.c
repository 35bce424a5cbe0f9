/* gradus data view: samples to look at, as the trainer gets them. */
#include <string.h>

#include "cli/cmd_data.h"
#include "cli/progress.h"
#include "cli/sheet.h"
#include "cli/source.h"
#include "study/data/inspect.h"
#include "study/data/view.h"

typedef struct options {
    const char *out, *mistakes;
    int part;
    int64_t count, epoch;
    bool augmented, generated, findings;
} options;

static bool is_npz(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".npz") == 0;
}

static gr_status check_options(cli *c, const options *o)
{
    bool numbers = o->out && is_npz(o->out);
    if (!o->out) {
        gr__fail(c->ctx, GR_E_USAGE, "data view: where to? -o FILE is missing");
        gr__error_hint(c->ctx, "-o sheet.html, -o sheet.png, or as numbers -o rows.npz");
        return GR_E_USAGE;
    }
    if (o->augmented + o->generated + o->findings + (o->mistakes != NULL) > 1)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "--augmented, --generated, --mistakes and --findings make sheets of their own: one of them");
    if (o->findings && cli_given(c, "part")) return gr__fail(c->ctx, GR_E_USAGE, "--findings: all parts are looked at");
    if (o->generated && o->part != GR_PART_TRAIN)
        return gr__fail(c->ctx, GR_E_USAGE, "--generated: only the train part has samples that are made");
    if (cli_given(c, "epoch") && !o->augmented)
        return gr__fail(c->ctx, GR_E_USAGE, "--epoch says how --augmented samples are changed");
    if (numbers && (o->generated || o->findings || o->mistakes))
        return gr__fail(c->ctx, GR_E_USAGE,
                        "%s has all samples of a part; --generated, --mistakes and --findings make sheets", o->out);
    if (numbers && cli_given(c, "count"))
        return gr__fail(c->ctx, GR_E_USAGE, "--count: %s has all samples of a part", o->out);
    return numbers ? GR_OK : cli_check_sheet(c, o->out);
}

/* What a sheet is made of. */
typedef struct source {
    const gr_recipe *recipe; /* as given */
    gr_model model;          /* of --mistakes */
    gr_recipe judged;        /* the model's, with the data of the recipe */
    gr_task task;
} source;

static gr_status open_source(cli *c, const options *o, source *s)
{
    unsigned part = 1u << o->part;
    gr_status st = cli_resources(c, s->recipe);
    if (st == GR_OK) st = cli_has_part(c, s->recipe, (gr_part)o->part, "--part chooses");
    if (st != GR_OK) return st;
    if (!o->mistakes) return gr__task_open(c->ctx, s->recipe, part, NULL, &s->task);
    st = gr__model_open(c->ctx, o->mistakes, &s->model);
    if (st != GR_OK) return st;
    s->judged = *s->model.recipe;
    gr__recipe_take_data(&s->judged, s->recipe);
    s->judged.memory = s->recipe->memory;
    return gr__task_open(c->ctx, &s->judged, part, &s->model, &s->task);
}

static void close_source(source *s)
{
    gr__task_close(&s->task);
    gr__model_close(&s->model);
}

/* That somebody has looked at what was made, for whoever reads the run later. */
static gr_status record_look(cli *c, const source *from, const options *o, const gr_sheet *s)
{
    const char *path = gr__bump_format(c->memory, "%s.looked", o->out);
    json_t *look = json_pack("{s:o, s:o, s:I, s:I}", "recipe", gr__json_string(from->recipe->path), "sheet",
                             gr__json_string(o->out), "shown", (json_int_t)s->n_cards, "generated",
                             (json_int_t)from->task.set[GR_PART_TRAIN].made->n);
    gr_status st = !path || !look ? GR_E_MEMORY : gr__json_save(c->ctx, path, look);
    json_decref(look);
    return st;
}

static gr_status show(cli *c, const options *o, const gr_sheet *s, const gr_view_mistakes *m)
{
    gr_result *r = cli_result(c);
    const char *part = gr__part_name((gr_part)o->part);
    gr__result_put(r, "sheet=%s part=%s shown=%jd", o->out, part, (intmax_t)s->n_cards);
    if (m->samples) gr__result_put(r, "samples=%jd wrong=%jd", (intmax_t)m->samples, (intmax_t)m->wrong);
    if (m->samples && m->classes)
        gr__result_note(r, "%lld of %lld samples of the %s part are wrong\n", (long long)m->wrong,
                        (long long)m->samples, part);
    if (o->generated) gr__result_put(r, "looked=%s", gr__result_text(r, "%s.looked", o->out));
    gr__result_note(r, "%lld samples of the %s part: %s\n", (long long)s->n_cards, part, cli_shown(c, o->out));
    if (o->generated) gr__result_note(r, "that they were looked at is kept in %s.looked\n", cli_shown(c, o->out));
    return cli_show(c, r);
}

/* A sheet of the test part is a look at it, as an evaluation is: earlier ones are told, this one is kept. */
static gr_status count_look(cli *c, const source *from, const options *o)
{
    char data[GR_DATA_TEXT];
    if (o->part != GR_PART_TEST) return GR_OK;
    gr_status st = gr__task_data_text(&from->task, GR_PART_TEST, data);
    return st == GR_OK ? cli_test_seen(c, o->mistakes ? o->mistakes : from->recipe->path, data) : st;
}

/* Epochs count from 1. */
static gr_view_options wanted_of(const options *o)
{
    return (gr_view_options){
        .part = (gr_part)o->part, .count = o->count, .changed = o->augmented, .epoch = o->epoch - 1};
}

static gr_status view_numbers(cli *c, const source *from, const options *o)
{
    const gr_view_options wanted = wanted_of(o);
    int64_t n = 0;
    gr_status st = count_look(c, from, o);
    if (st == GR_OK) st = gr__view_numbers(&from->task, &wanted, o->out, &n);
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    const char *part = gr__part_name((gr_part)o->part);
    gr__result_put(r, "file=%s part=%s samples=%jd", o->out, part, (intmax_t)n);
    gr__result_note(r, "%lld samples of the %s part: %s\n", (long long)n, part, cli_shown(c, o->out));
    return cli_show(c, r);
}

static gr_status view(cli *c, source *from, const options *o)
{
    gr_sheet s = {0};
    const gr_view_options wanted = wanted_of(o);
    gr_view_mistakes mistakes = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__sheet_open(c->ctx, from->recipe->name, &s));
    if (o->mistakes)
        GR_TRY(gr__view_mistakes(&from->task, &from->model, &wanted, &s, &mistakes));
    else if (o->generated)
        GR_TRY(gr__view_made(&from->task, &wanted, &s));
    else
        GR_TRY(gr__view_samples(&from->task, &wanted, &s));
    GR_TRY(count_look(c, from, o));
    GR_TRY(cli_write_sheet(c, &s, o->out));
    if (o->generated) GR_TRY(record_look(c, from, o, &s));
    st = show(c, o, &s, &mistakes);
done:
    gr__sheet_close(&s);
    return st;
}

/* What `data check` names, without labels that a network would have to be trained for. */
static gr_status view_findings(cli *c, const gr_recipe *r, const options *o)
{
    gr_inspection found = {0};
    gr_sheet s = {0};
    cli_view v = cli_view_make(c->quiet || c->json);
    const gr_inspect_options how = {.label_model = GR_LABELS_NOT, .folds = 2, .epochs = 1, .watch = cli_view_watch(&v)};
    gr_status st = cli_resources(c, r);
    if (st == GR_OK) st = gr__inspect(c->ctx, r, &how, &found);
    cli_view_clear(&v);
    if (st != GR_OK) goto done;
    GR_TRY(gr__sheet_open(c->ctx, r->name, &s));
    GR_TRY(gr__view_findings(&found, o->count, &s));
    if (found.task.set_of[GR_PART_TEST]) GR_TRY(cli_test_seen(c, r->path, NULL));
    GR_TRY(cli_write_sheet(c, &s, o->out));
    gr_result *told = cli_result(c);
    gr__result_put(told, "sheet=%s shown=%jd findings=%jd", o->out, (intmax_t)s.n_cards, (intmax_t)found.n_findings);
    gr__result_note(told, "%lld samples of %lld findings: %s\n", (long long)s.n_cards, (long long)found.n_findings,
                    cli_shown(c, o->out));
    st = cli_show(c, told);
done:
    gr__sheet_close(&s);
    gr__inspection_close(&found);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *r = NULL;
    source s = {0};
    gr_status st = check_options(c, o);
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    s.recipe = r;
    if (o->findings) {
        st = view_findings(c, r, o);
        gr__recipe_close(c->ctx, r);
        return st;
    }
    st = open_source(c, o, &s);
    if (st == GR_OK) st = is_npz(o->out) ? view_numbers(c, &s, o) : view(c, &s, o);
    close_source(&s);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "FILE",
               "what to write: a sheet, .html or .png; or all samples as arrays, .npz", .letter = 'o'),
    CLI_OPTION(options, part, WORD, "part", "PART", "train, validation or test; train unless given",
               .words = cli_part_words),
    CLI_OPTION(options, count, WHOLE, "count", "N", "how many samples at most; 64 unless given", .low = 1,
               .high = GR_VIEW_MOST, .usual = 64),
    CLI_OPTION(options, augmented, SWITCH, "augmented", NULL,
               "beside each training sample what the recipe's `augment` makes of it"),
    CLI_OPTION(options, generated, SWITCH, "generated", NULL,
               "samples that the recipe's `balance` makes, beside those that they are made of; FILE.looked records it"),
    CLI_OPTION(options, mistakes, TEXT, "mistakes", "MODEL",
               "samples that the model gets wrong, the costliest first; of values the furthest off"),
    CLI_OPTION(options, findings, SWITCH, "findings", NULL,
               "samples that data check names, errors first, but for labels that a network would be trained for"),
    CLI_OPTION(options, epoch, WHOLE, "epoch", "N", "in which epoch, from 1 (the default)", .low = 1, .high = 1e9,
               .usual = 1),
};

const cli_command cli_data_view = {
    .name = "data view",
    .usage = "RECIPE -o sheet.html|sheet.png [--augmented | --generated | --mistakes MODEL | --findings]",
    .summary = "Samples to look at, exactly as the trainer gets them",
    .help =
        "A sheet has a card a sample: pictures as pictures, sequences and sounds as maps (steps to the right), tables "
        "as "
        "rows, text as text, with label, number of the row, and file.\n"
        "What stands on it comes out of the loader that training takes its batches from. The crc32 beneath is of the "
        "sample's numbers in the batch: least significant byte first, one input\n"
        "after the other, without the steps beyond a length. So two sheets show whether two recipes train on the same "
        "numbers. Preparation that the training graph does is not in them; the\n"
        "sheet says which it is.\n\n"
        "Look before training, and again once samples are changed: a label that a crop has cut away, a digit that was "
        "flipped, a spectrogram masked whole are seen at once, and cost a\n"
        "training to find otherwise. Samples are drawn by the recipe's seed, of all classes alike; the same recipe "
        "gives "
        "the same bytes. A page needs nothing from elsewhere: it opens offline.\n\n"
        "A look at the test part is counted, as one of eval is: with the run's models, or beside the recipe.\n\n"
        "Examples\n"
        "  gradus data view recipes/fashion.yaml -o sheet.html\n"
        "  gradus data view flips.yaml -o sheet.png --augmented --epoch 3\n"
        "  gradus data view recipes/fashion.yaml -o wrong.html --part validation --mistakes "
        "runs/fashion/best.safetensors\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
