/* The text source: settings to options, and the files that prediction is given. */
#include "data/text/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/fields.h"

enum { UNSAID = 128 }; /* units of a sample where neither source nor network says */

static int64_t whole(const gr_settings *s, const char *row, int64_t unless)
{
    int64_t x = gr__setting_int(s, row);
    return x == INT64_MIN ? unless : x;
}

/* The units of a sample, and how far windows are apart. */
static void sizes_of(const gr_settings *s, const gr_source_options *o, gr__text_options *out)
{
    int64_t steps = o->wants && o->wants->steps[0] ? o->wants->steps[0] : UNSAID;
    if (gr__setting_text(s, "labels")) {
        out->length = whole(s, "length", steps);
        return;
    }
    out->window = whole(s, "window", steps);
    out->stride = whole(s, "stride", out->window);
}

/* Of running text the target is a unit, so the network tells units apart. */
static void target_of(const gr_source_options *o, gr__text_options *out)
{
    const gr_wanted *w = o->wants ? &o->wants->target[0] : NULL;
    if (gr__wanted_fields(o, GR_FIELD_TARGET) == 0) return;
    out->target = gr__wanted_name(o, GR_FIELD_TARGET, 0);
    if (!w || !out->window || w->form != GR_FORM_CLASS) return;
    out->last = w->output.rank == 1;
    if (w->output.rank) out->outputs = w->output.dim[w->output.rank - 1];
}

static gr_status check_rows(gr_context *ctx, const gr_settings *s, const gr_source_options *o,
                            const gr__text_options *t)
{
    const gr_tree *length = gr__setting_tree(s, "length"), *vocabulary = gr__setting_tree(s, "vocabulary");
    int64_t limit = gr__corpus_limit(t), most = whole(s, "vocabulary", 0);
    if (length && t->window)
        return gr__tree_fail(ctx, length, GR_E_CONFLICT, "window: the units of a sample of running text",
                             "\"length\" is of lines, which `labels: tab` tells");
    if (limit && most > limit)
        return gr__tree_fail(ctx, vocabulary, GR_E_CONFLICT, NULL,
                             "the source's vocabulary of %lld is more than the %lld that the network has",
                             (long long)most, (long long)limit);
    if (o->wants && t->room == 0)
        return gr__tree_fail(ctx, gr__source_at(s, "type"), GR_E_CONFLICT,
                             "begin with {type: embedding, vocabulary: 256, units: 64}",
                             "text gives indices, but no layer looks those of the input \"%s\" up", t->input);
    return GR_OK;
}

static gr_status options_of(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr__text_options *out)
{
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st != GR_OK) return st;
    *out = (gr__text_options){.chars = gr__setting_is(s, "unit", "char"),
                              .room = o->wants ? o->wants->vocabulary[0] : 0,
                              .input = gr__wanted_name(o, GR_FIELD_INPUT, 0),
                              .like = o->schema,
                              .faults = o->faults,
                              .own_classes = o->own_classes};
    int64_t most = whole(s, "vocabulary", 0);
    out->most = most ? most - GR__TEXT_FIRST : 0;
    sizes_of(s, o, out);
    target_of(o, out);
    return check_rows(ctx, s, o, out);
}

static gr_status open_file(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_source_options *o,
                           gr__text_options *options, gr__blob *blob)
{
    gr_status st = options_of(ctx, s, o, options);
    if (st != GR_OK) return st;
    const char *path = gr__source_path(b, s, "file", o);
    st = path ? gr__blob_open(ctx, path, blob) : gr__error_code(ctx);
    return gr__source_place(ctx, s, "file", st);
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr__blob blob = {.fd = -1};
    gr__text_options options;
    gr_status st = open_file(ctx, b, s, o, &options, &blob);
    if (st == GR_OK) st = gr__source_place(ctx, s, "file", gr__text_info(&blob, &options, o->memory, out));
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    return st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr__blob blob = {.fd = -1};
    gr__text_options options;
    gr_status st = open_file(ctx, b, s, o, &options, &blob);
    if (st == GR_OK) st = gr__source_place(ctx, s, "file", gr__text_load(&blob, &options, out));
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    return st;
}

/* ---- for prediction ---- */

static bool ends_as_text(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".txt") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files of the folder that end in .txt, sorted. */
static gr_status list_files(gr_context *ctx, gr__bump *b, DIR *d, const char *folder, const char *const **out, int *n)
{
    const char **name = NULL;
    size_t room = 0, used = 0;
    gr_status st = GR_OK;
    for (const struct dirent *e; st == GR_OK && (e = readdir(d));) {
        if (!ends_as_text(e->d_name)) continue;
        if (!GR_ROOM(ctx, name, room, used + 1) || !(name[used++] = gr__bump_format(b, "%s/%s", folder, e->d_name)))
            st = gr__error_code(ctx);
    }
    if (used && st == GR_OK) qsort(name, used, sizeof *name, by_name);
    const char **kept = st == GR_OK ? gr__bump_alloc(b, GR_MAX(used, 1) * sizeof *kept) : NULL;
    if (kept && used) memcpy(kept, name, used * sizeof *kept);
    gr__free(ctx, name, room * sizeof *name);
    *out = kept;
    *n = (int)used;
    if (st == GR_OK && kept && used == 0)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has no files that end in .txt", folder);
    return kept ? GR_OK : gr__error_code(ctx);
}

static gr_status raw_folder(gr_context *ctx, DIR *d, const char *folder, gr__text_options *options, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    const char *const *file;
    int n;
    gr_status st = b ? list_files(ctx, b, d, folder, &file, &n) : GR_E_MEMORY;
    options->whole = true;
    if (st == GR_OK) st = gr__text_files(ctx, file, n, options, out);
    gr__bump_destroy(b);
    return st;
}

static gr_status raw(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *file, gr_set *out)
{
    gr__text_options options;
    gr__blob blob = {.fd = -1};
    gr_status st = options_of(ctx, s, o, &options);
    if (st != GR_OK) return st;
    options.raw = true;
    DIR *d = o->opened ? NULL : opendir(file);
    if (d) {
        st = raw_folder(ctx, d, file, &options, out);
        closedir(d);
    } else {
        if (!o->opened) st = gr__blob_open(ctx, file, &blob);
        if (st != GR_OK) return st;
        st = gr__text_load(o->opened ? o->opened : &blob, &options, out);
        gr__blob_close(&blob);
    }
    if (st != GR_OK) return st;
    out->one = out->n == 1;
    gr__set_measure(out, o->wants);
    return GR_OK;
}

static const gr_row rows[] = {
    {.name = "file", .kind = GR_ROW_PATH, .range = "", .unit = "", .help = "the text, plain or gzip"},
    {.name = "unit",
     .kind = GR_ROW_CHOICE,
     .value = "byte",
     .range = "byte|char",
     .unit = "",
     .help = "what an index stands for: a byte, or a character of UTF-8"},
    {.name = "window",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[1,1000000]",
     .unit = "units",
     .help = "running text: units of a sample; as many as the model's input has unless given",
     .idle = "labels"},
    {.name = "stride",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[1,1000000]",
     .unit = "units",
     .help = "how far windows begin from each other; the window unless given, so that none share text",
     .idle = "labels"},
    {.name = "labels",
     .kind = GR_ROW_CHOICE,
     .value = "none",
     .range = "tab",
     .unit = "",
     .help =
         "tab: a sample is a line, label, tab and text; none: running text, whose targets are the units that follow"},
    {.name = "length",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[1,1000000]",
     .unit = "units",
     .help = "lines: units of a sample, padded or cut; as many as the model's input has unless given"},
    {.name = "vocabulary",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[3,1114114]",
     .unit = "indices",
     .help = "characters: the most frequent ones get indices up to this, the others are unknown; all must fit the "
             "model unless given",
     .idle = "unit: byte"},
};

GR_SOURCE(text) = {
    .head = {.family = "source",
             .name = "text",
             .title = "Running text, or lines with labels",
             .cite = "",
             .equations = "sample i: units i stride .. i stride + window - 1; targets: the unit after each of them, or "
                          "after the last where the\nnetwork gives one answer. What is left at the end is no sample\n"
                          "labels: label, tab, text; labels become classes in sorted order, shorter texts are padded "
                          "with 0, lengths kept\nchar: 0 pads, 1 is an unknown character, the file's own follow in "
                          "the order of their code points; kept in the model",
             GR_ROWS(rows)},
    .info = info,
    .load = load,
    .raw = raw,
};
