/* Raw input for prediction: a file of whatever format, as samples of the shape that a model takes. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/array/array.h"
#include "data/table/csv.h"
#include "data/array/npz.h"
#include "data/picture/picture.h"

/* The sizes other than 1. */
static gr_shape squeeze(gr_shape s)
{
    gr_shape out = {0};
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] != 1) out.dim[out.rank++] = s.dim[i];
    }
    return out;
}

bool gr__sample_fits(gr_shape sample, gr_shape input)
{
    if (gr_shape_count(sample) != gr_shape_count(input)) return false;
    gr_shape a = squeeze(sample), b = squeeze(input);
    if (a.rank <= 1 || b.rank <= 1) return true; /* flat, with as many values */
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

static const char *shape_text(const gr__array *a, char *buffer, size_t n)
{
    size_t used = 0;
    for (int i = 0; i < a->rank; i++)
        used += (size_t)snprintf(buffer + used, n - used, "%c%lld", i ? ',' : '[', (long long)a->dim[i]);
    snprintf(buffer + used, n - used, "]");
    return buffer;
}

/* Reads the array as samples of this shape: its own axes, or with one of samples before them where it is one. */
static gr_status take_shape(gr__part *p, gr_shape sample, bool *one)
{
    gr__array *a = &p->array;
    gr_shape rest = {.rank = a->rank - 1}, all = {.rank = GR_MIN(a->rank, GR_MAX_RANK)};
    memcpy(rest.dim, a->dim + 1, sizeof rest.dim[0] * (size_t)rest.rank);
    memcpy(all.dim, a->dim, sizeof all.dim[0] * (size_t)all.rank);
    *one = false;
    if (gr__sample_fits(rest, sample)) return GR_OK;
    if (a->rank > GR_MAX_RANK || !gr__sample_fits(all, sample)) {
        gr__array wanted = {.rank = sample.rank};
        memcpy(wanted.dim, sample.dim, sizeof sample.dim);
        char got[200], want[200];
        return gr__fail(p->blob.ctx, GR_E_DATA,
                        "\"%s\" has shape %s, which is neither a sample of shape %s nor several", p->blob.name,
                        shape_text(a, got, sizeof got), shape_text(&wanted, want, sizeof want));
    }
    memmove(a->dim + 1, a->dim, sizeof a->dim[0] * (size_t)a->rank);
    a->dim[0] = 1;
    a->rank++;
    *one = true;
    return GR_OK;
}

static gr__entries wanted_entries(const gr_source_options *o)
{
    gr__entries e = {.n_inputs = gr__wanted_fields(o, GR_FIELD_INPUT)};
    for (int i = 0; i < e.n_inputs; i++)
        e.entry[i] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_INPUT, i), .role = GR_FIELD_INPUT};
    return e;
}

/* The length of a file that is one sample is a number, or a list of one. */
static void take_length(gr__part *p, bool one)
{
    p->raw = true;
    if (one && p->array.count == 1) p->array.rank = 1, p->array.dim[0] = 1;
}

/* The parts, one an input in their order, then lengths. */
static gr_status load_parts(gr_context *ctx, const gr__entries *e, gr__part *part, const gr_shape *sample,
                            const gr_source_options *o, gr_set *out)
{
    gr_status st = GR_OK;
    bool one = true;
    for (int i = 0; i < e->n_inputs && st == GR_OK; i++) {
        bool single;
        part[i].raw = true;
        st = take_shape(&part[i], sample[i], &single);
        one = one && single;
    }
    for (int i = e->n_inputs; i < gr__entries_n(e) && st == GR_OK; i++) take_length(&part[i], one);
    if (st == GR_OK) st = gr__arrays_load(ctx, e, part, o, out);
    if (st != GR_OK) return st;
    out->one = one;
    gr__set_measure(out, o->wants);
    return GR_OK;
}

/* What an input's array is called in an archive: as the training's, of which source is, else as the input. */
static const char *array_name(const gr_tree *source, const char *input)
{
    const char *trained = gr__npz_array_of(source, input);
    return trained ? trained : input;
}

static gr_status raw_array(gr__blob *blob, gr__header_fn header, const gr_shape *sample, const gr_tree *source,
                           const gr_source_options *o, gr_set *out)
{
    gr__part p = {0};
    gr_context *ctx = blob->ctx;
    const gr__entries e = wanted_entries(o);
    if (e.n_inputs > 1) {
        gr__fail(ctx, GR_E_DATA, "\"%s\" holds one array, but the model has %d inputs", blob->name, e.n_inputs);
        gr__error_hint(ctx, "give an NPZ archive with an array for each: \"%s\", \"%s\"%s",
                       array_name(source, e.entry[0].name), array_name(source, e.entry[1].name),
                       e.n_inputs > 2 ? ", ..." : "");
        return GR_E_DATA;
    }
    gr_status st = gr__part_read(blob, header, &p);
    *blob = (gr__blob){.fd = -1};
    if (st != GR_OK) return st;
    st = load_parts(ctx, &e, &p, sample, o, out);
    gr__part_close(&p);
    return st;
}

/* ---- archives ---- */

typedef struct archive {
    const gr__blob *zip;
    gr__bump *memory;
    const char *const *name; /* of all arrays */
    int n;
    const gr_tree *source; /* of the training */
} archive;

static const char *find_name(const archive *a, const char *name)
{
    for (int i = 0; name && i < a->n; i++)
        if (strcmp(a->name[i], name) == 0) return a->name[i];
    return NULL;
}

static gr_status no_array(const archive *a, const gr__entries *e, int i)
{
    gr_context *ctx = a->zip->ctx;
    char has[300] = "no arrays";
    size_t used = 0;
    for (int k = 0; k < a->n && used < sizeof has; k++)
        used += (size_t)snprintf(has + used, sizeof has - used, "%s\"%.64s\"", k ? ", " : "", a->name[k]);
    const char *input = e->entry[i].name, *name = array_name(a->source, input);
    if (e->n_inputs > 1)
        gr__fail(ctx, GR_E_DATA, "\"%s\" has no array \"%s\" for the input \"%s\"", a->zip->name, name, input);
    else
        gr__fail(ctx, GR_E_DATA, "\"%s\" has no array \"%s\", and not only one", a->zip->name, name);
    gr__error_hint(ctx, "it has %s", has);
    return GR_E_DATA;
}

/* The name that the training's array had, else the input's own; of a lone array the name says nothing. */
static gr_status open_input(const archive *a, const gr__entries *e, int i, gr__part *out)
{
    const char *input = e->entry[i].name, *name = find_name(a, gr__npz_array_of(a->source, input));
    if (!name) name = find_name(a, input);
    if (!name && e->n_inputs == 1 && a->n == 1) name = a->name[0];
    if (!name) return no_array(a, e, i);
    const char *label = gr__bump_format(a->memory, "%s:%s", a->zip->name, name);
    return label ? gr__npz_open(a->zip, name, label, out) : gr__error_code(a->zip->ctx);
}

/* Lengths of the inputs, where the archive has the arrays that the training's had. */
static gr_status open_lengths(const archive *a, const gr_source_options *o, gr__entries *e, gr__part *part)
{
    gr_status st = GR_OK;
    for (int i = 0; i < e->n_inputs && st == GR_OK; i++) {
        const char *input = e->entry[i].name, *name = find_name(a, gr__source_lengths_of(a->source, input));
        if (!name) continue;
        const char *label = gr__bump_format(a->memory, "%s:%s", a->zip->name, name);
        st = label ? gr__npz_open(a->zip, name, label, &part[gr__entries_n(e)]) : gr__error_code(a->zip->ctx);
        if (st != GR_OK) return st;
        e->n_lengths++;
        e->entry[gr__entries_n(e) - 1] =
            (gr__entry){.name = input, .role = GR_FIELD_LENGTH, .most = o->wants ? o->wants->steps[i] : 0};
    }
    return st;
}

static gr_status raw_archive(const gr__blob *zip, const gr_shape *sample, const gr_tree *source,
                             const gr_source_options *o, gr_set *out)
{
    archive a = {.zip = zip, .memory = gr__bump_create(zip->ctx), .source = source};
    gr__entries e = wanted_entries(o);
    gr__part part[2 * GR_MAX_INPUTS];
    int n = 0;
    gr_status st = a.memory ? gr__npz_names(zip, a.memory, &a.name, &a.n) : GR_E_MEMORY;
    for (int i = 0; i < e.n_inputs && st == GR_OK; i++) {
        st = open_input(&a, &e, i, &part[i]);
        n += st == GR_OK;
    }
    if (st == GR_OK) st = open_lengths(&a, o, &e, part);
    if (st == GR_OK) st = load_parts(zip->ctx, &e, part, sample, o, out);
    for (int i = 0; i < n + e.n_lengths; i++) gr__part_close(&part[i]);
    gr__bump_destroy(a.memory);
    return st;
}

/* ---- tables ---- */

static gr_status raw_table(gr__blob *blob, const gr_shape *sample, const gr_source_options *o, gr_set *out)
{
    gr__csv_options c = {.keep_float64 = o->keep_float64,
                         .exact = o->exact,
                         .wants = o->wants,
                         .want = GR_TARGET_VALUE,
                         .inputs_only = true,
                         .keep = o->keep,
                         .n_keep = o->n_keep,
                         .like = o->schema};
    for (int i = 0; i < gr__wanted_fields(o, GR_FIELD_INPUT); i++) c.n_wanted[i] = gr_shape_count(sample[i]);
    gr_status st = gr__csv_load(blob, &c, out);
    for (int i = 0; i < out->n_inputs && st == GR_OK; i++) out->field[i].sample = sample[i];
    return st;
}

/* ---- files of the training's kind: pictures, sounds, texts ---- */

static gr_status check_shape(gr_context *ctx, const char *file, const gr_shape *sample, const gr_set *s)
{
    char got[200], want[200];
    for (int i = 0; i < s->n_inputs; i++) {
        const gr_shape is = s->field[i].sample;
        if (gr__sample_fits(is, sample[i])) continue;
        gr__array a = {.rank = is.rank}, b = {.rank = sample[i].rank};
        memcpy(a.dim, is.dim, sizeof is.dim);
        memcpy(b.dim, sample[i].dim, sizeof sample[i].dim);
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has shape %s, but the model takes %s", file,
                        shape_text(&a, got, sizeof got), shape_text(&b, want, sizeof want));
    }
    return GR_OK;
}

/* By the source that reads such files: the training's, or another one with its settings as they are. */
static gr_status raw_files(gr_context *ctx, const char *file, const gr_shape *sample, const gr_source *source,
                           const gr_tree *tree, const gr_source_options *o, gr_set *out)
{
    gr_settings s;
    if (gr__wanted_fields(o, GR_FIELD_INPUT) > 1)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" is one input, but the model has %d", file,
                        gr__wanted_fields(o, GR_FIELD_INPUT));
    gr__bump *b = gr__bump_create(ctx);
    gr_status st = b ? gr__settings_make(ctx, b, &source->head, tree, GR_PRESET_CHAPTER, NULL, &s) : GR_E_MEMORY;
    if (st == GR_OK) st = source->raw(ctx, &s, o, file, out);
    if (st == GR_OK) st = check_shape(ctx, file, sample, out);
    bool gone = o->opened && o->opened->fd < 0; /* what came through a pipe cannot be read again */
    if (st == GR_OK) st = gr__set_hold(ctx, out, gone ? UINT64_MAX : gr__hold_limit(o, true), o->faults);
    if (st == GR_OK) gr__set_measure(out, o->wants);
    if (st != GR_OK) gr__set_free(ctx, out);
    gr__bump_destroy(b);
    return st;
}

extern const gr_source gr__source_images;

/* Pictures for a model that was trained with other data: as large as they are. */
static gr_status raw_pictures(gr_context *ctx, const char *file, const gr_shape *sample, const gr_source_options *o,
                              gr_set *out)
{
    bool grey = sample[0].rank < 3 || sample[0].dim[2] == 1;
    gr__bump *b = gr__bump_create(ctx);
    const gr_tree *tree = b ? gr__tree_flow(b, grey ? "{folder: \"\", channels: 1}" : "{folder: \"\"}") : NULL;
    gr_status st = tree ? raw_files(ctx, file, sample, &gr__source_images, tree, o, out) : gr__error_code(ctx);
    gr__bump_destroy(b);
    return st;
}

static bool is_picture(const gr__blob *blob)
{
    gr__picture p;
    bool is = gr__picture_head(blob, &p) != GR_OK || p.kind != GR__NO_PICTURE;
    gr_context_clear_error(blob->ctx); /* a damaged one is told by whoever reads it */
    return is;
}

/* What is told by its first bytes; the rest is of the training's kind, a picture, or a table. */
static gr_status raw_file(gr__blob *blob, const gr_shape *sample, const gr_source *trained, const gr_tree *source,
                          const gr_source_options *o, gr_set *out)
{
    unsigned char front[8] = {0};
    size_t n;
    gr_status st = gr__blob_peek(blob, front, sizeof front, &n);
    if (st != GR_OK) return st;
    if (n >= 6 && memcmp(front, "\x93NUMPY", 6) == 0) return raw_array(blob, gr__npy_header, sample, source, o, out);
    if (n >= 4 && front[0] == 0 && front[1] == 0) return raw_array(blob, gr__idx_header, sample, source, o, out);
    if (gr__npz_begins(front, n) && blob->packing != GR__PLAIN)
        return gr__fail(blob->ctx, GR_E_FORMAT, "\"%s\" is a packed archive: unpack it first", blob->name);
    if (gr__npz_begins(front, n)) return raw_archive(blob, sample, source, o, out);
    gr_source_options here = *o;
    here.opened = blob;
    if (trained && trained->raw) return raw_files(blob->ctx, blob->name, sample, trained, source, &here, out);
    return is_picture(blob) ? raw_pictures(blob->ctx, blob->name, sample, &here, out) : raw_table(blob, sample, o, out);
}

static bool is_folder(const char *file)
{
    struct stat about;
    return stat(file, &about) == 0 && S_ISDIR(about.st_mode);
}

gr_status gr__set_raw(gr_context *ctx, const char *file, const gr_shape *sample, const gr_tree *source,
                      const gr_source_options *o, gr_set *out)
{
    gr__blob blob = {0};
    gr_set set = {0};
    const gr_source *trained = source ? (const gr_source *)gr__family_peek(ctx, &gr__family_source, source) : NULL;
    gr_status st;
    if (is_folder(file))
        st = trained && trained->raw ? raw_files(ctx, file, sample, trained, source, o, &set)
                                     : raw_pictures(ctx, file, sample, o, &set);
    else
        st = gr__blob_open(ctx, file, &blob);
    if (st == GR_OK && blob.ctx) st = raw_file(&blob, sample, trained, source, o, &set);
    gr__blob_close(&blob);
    if (st == GR_OK) *out = set;
    return gr__mistaken_data(ctx, file, NULL, st);
}
