/* The source `images`: a folder of pictures, a subfolder a class, or a table that names them. */
#include "data/picture/images.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* ---- samples, decoded one by one ---- */

typedef struct reader {
    gr_reader reader;
    const char *folder;
    const char *const *name;
    gr__picture_way way;
    int64_t height, width; /* of every sample */
    uint64_t file_bytes;   /* of the largest file */
    size_t desk;           /* scratch behind the file's bytes */
} reader;

static size_t granules(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static gr_status changed(gr_context *ctx, const char *path)
{
    return gr__fail(ctx, GR_E_DATA, "\"%s\" has changed since its header was read", path);
}

static gr_status read_picture(gr_context *ctx, const gr_reader *of, int64_t row, void *scratch, void *out)
{
    const reader *r = (const reader *)of;
    char path[4200];
    int64_t height, width;
    gr__picture p;
    gr__blob file, bytes;
    gr_status st = gr__blob_open(ctx, gr__image_path(r->folder, r->name[row], path, sizeof path), &file);
    if (st != GR_OK) return st;
    bool fits = file.bytes <= r->file_bytes;
    if (fits) st = gr__blob_read(&file, 0, scratch, (size_t)file.bytes);
    gr__blob_memory(ctx, path, scratch, (size_t)file.bytes, &bytes);
    gr__blob_close(&file);
    if (st != GR_OK || !fits) return st != GR_OK ? st : changed(ctx, path);
    st = gr__picture_head(&bytes, &p);
    if (st != GR_OK) return st;
    if (p.kind == GR__NO_PICTURE) return changed(ctx, path);
    gr__picture_size(&p, &r->way, &height, &width);
    if (height != r->height || width != r->width || gr__picture_scratch(&p, &r->way) > r->desk)
        return changed(ctx, path);
    return gr__picture_decode(ctx, path, scratch, &p, &r->way, (char *)scratch + granules(r->file_bytes), out);
}

static void close_reader(gr_context *ctx, gr_reader *r)
{
    gr__free(ctx, r, sizeof(reader));
}

static gr_status open_reader(const gr__images *all, const char *folder, const char *const *names, reader **out)
{
    reader *r = gr__alloc(all->ctx, sizeof *r);
    if (!r) return GR_E_MEMORY;
    *r = (reader){
        .reader = {.read = read_picture, .close = close_reader}, .folder = folder, .name = names, .way = all->way};
    for (size_t i = 0; i < all->n; i++) {
        const gr__picture *p = &all->image[i].head;
        size_t desk = gr__picture_scratch(p, &all->way);
        r->desk = GR_MAX(r->desk, desk);
        r->file_bytes = GR_MAX(r->file_bytes, p->bytes);
        gr__picture_size(p, &all->way, &r->height, &r->width);
    }
    r->reader.scratch = granules(r->file_bytes) + r->desk;
    *out = r;
    return GR_OK;
}

/* ---- what the settings say ---- */

static gr_status way_of(gr_context *ctx, const gr_settings *s, gr__picture_way *out)
{
    int64_t size[2] = {0};
    const gr_tree *resize = gr__setting_tree(s, "resize");
    *out = (gr__picture_way){.channels = (int)gr__setting_int(s, "channels"),
                             .fit = gr__setting_is(s, "fit", "crop")  ? GR__FIT_CROP
                                    : gr__setting_is(s, "fit", "pad") ? GR__FIT_PAD
                                                                      : GR__FIT_STRETCH};
    if (!resize) return GR_OK;
    gr__setting_axes(ctx, s, "resize", size, 2);
    out->height = size[0];
    out->width = size[1];
    return gr__error_code(ctx);
}

static gr_status begin(gr_context *ctx, const gr_settings *s, gr__bump *b, gr__images *all)
{
    *all = (gr__images){.ctx = ctx, .memory = b, .skip = gr__setting_is(s, "on_error", "skip")};
    return b ? way_of(ctx, s, &all->way) : GR_E_MEMORY;
}

/* Two classes are 0 and 1 where a cost wants these; else a folder's classes are no values. */
static gr_status classes_as_values(gr__images *all, const gr__entry *e)
{
    bool yes_or_no = e->wanted && e->wanted->form == GR_FORM_LABELS && all->classes == 2;
    if (!yes_or_no) {
        gr_status st = gr__fail(all->ctx, GR_E_DATA, "subfolders are classes, but %s wants numbers",
                                e->wanted ? e->wanted->cost : "the target");
        gr__error_hint(all->ctx, "a table can give them: labels: FILE.csv with the columns file,label");
        return st;
    }
    for (size_t i = 0; i < all->n; i++) all->image[i].value = all->image[i].class_;
    return GR_OK;
}

/* Finds the pictures and what they are. */
static gr_status find(gr__images *all, const gr_settings *s, const gr_source_options *o, const gr__entry *target)
{
    const char *table = gr__source_path(all->memory, s, "labels", o);
    bool values = target && target->want == GR_TARGET_VALUE, held = o->schema && !o->own_classes;
    const gr_schema_target *like =
        target && held ? gr__schema_target(o->schema, target->name, !o->wants || !o->wants->targets_named) : NULL;
    if (like && (values || !like->class_names)) like = NULL;
    all->folder = gr__source_path(all->memory, s, "folder", o);
    if (!all->folder || (!table && gr__error_code(all->ctx) != GR_OK)) return gr__error_code(all->ctx);
    if (gr__path_kind(all->folder) == GR__ENTRY_FILE)
        return gr__fail(all->ctx, GR_E_FILE, "\"%s\" is a file, not a folder of pictures", all->folder);
    if (table)
        return gr__source_place(all->ctx, s, "labels",
                                gr__images_of_table(all, table, like, held && o->schema->n_targets, values));
    gr_status st = gr__images_of_classes(all, like);
    return st == GR_OK && values ? classes_as_values(all, target) : st;
}

/* ---- the set ---- */

static gr_status check_sizes(const gr__images *all)
{
    int64_t height, width, other_height, other_width;
    char path[4200], other[4200];
    for (size_t i = 1; i < all->n && !all->way.height; i++) {
        gr__picture_size(&all->image[0].head, &all->way, &height, &width);
        gr__picture_size(&all->image[i].head, &all->way, &other_height, &other_width);
        if (height == other_height && width == other_width) continue;
        gr_status st =
            gr__fail(all->ctx, GR_E_DATA,
                     "pictures have different sizes: \"%s\" is %lld x %lld (height x width), \"%s\" %lld x %lld",
                     gr__image_path(all->folder, all->image[0].name, path, sizeof path), (long long)height,
                     (long long)width, gr__image_path(all->folder, all->image[i].name, other, sizeof other),
                     (long long)other_height, (long long)other_width);
        gr__error_hint(all->ctx, "resize: [%lld, %lld] brings all to one", (long long)height, (long long)width);
        return st;
    }
    return GR_OK;
}

static gr__entries entries_of(const gr_source_options *o, bool targets)
{
    gr__entries e = {.n_inputs = 1, .n_targets = targets ? gr__wanted_fields(o, GR_FIELD_TARGET) : 0};
    e.entry[0] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_INPUT, 0), .role = GR_FIELD_INPUT};
    if (!e.n_targets) return e;
    e.entry[1] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_TARGET, 0), .role = GR_FIELD_TARGET};
    gr__entry_want(&e.entry[1], o->wants, o->want, 0);
    return e;
}

/* b: where names live that the set keeps; NULL: it keeps none. */
static gr_status describe(const gr__images *all, const gr__entries *e, const gr_source_options *o, gr__bump *b,
                          gr_set *out)
{
    gr_status st = gr__entries_begin(all->ctx, e, b, out);
    if (st != GR_OK) return st;
    int64_t height, width;
    gr__picture_size(&all->image[0].head, &all->way, &height, &width);
    out->n = (int64_t)all->n;
    out->field[0].sample = GR_SHAPE(height, width, all->way.channels);
    out->field[0].element = GR_EL_U8;
    out->field[0].bytes = (uint64_t)out->n * (uint64_t)(height * width * all->way.channels);
    if (e->n_targets) {
        gr_field *y = &out->field[1];
        bool values = e->entry[1].want == GR_TARGET_VALUE;
        y->sample = GR_SCALAR;
        y->kind = values ? GR_TARGET_VALUE : GR_TARGET_CLASS;
        y->element = !values ? GR_EL_I32 : o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
        y->bytes = (uint64_t)out->n * gr__element_bytes(y->element);
        y->classes = values ? 0 : all->classes;
        if (e->entry[1].wanted) st = gr__targets_fit(all->ctx, e->entry[1].wanted, y->sample, "the folder of pictures");
    }
    for (int i = 0; i < gr__set_fields(out) && b && st == GR_OK; i++) {
        out->field[i].file = gr__bump_strdup(b, all->folder[0] ? all->folder : all->image[0].name);
        if (!out->field[i].file) st = GR_E_MEMORY;
    }
    out->file = out->field[0].file;
    return st;
}

/* In memory of this set's own, whose-ever they are. */
static gr_status name_classes(const gr__images *all, gr_field *y)
{
    if (!all->class_name) return GR_OK;
    const char **names = gr__bump_alloc(all->memory, (size_t)all->classes * sizeof *names);
    for (int i = 0; i < all->classes && names; i++)
        if (!(names[i] = gr__bump_strdup(all->memory, all->class_name[i]))) names = NULL;
    y->class_names = names;
    return names ? GR_OK : GR_E_MEMORY;
}

static gr_status take_targets(const gr__images *all, gr_field *y)
{
    y->data = gr__tensor_alloc(all->ctx, (size_t)y->bytes);
    if (!y->data) return gr__error_code(all->ctx);
    for (size_t i = 0; i < all->n; i++) {
        const gr__image *x = &all->image[i];
        if (y->element == GR_EL_I32)
            ((int32_t *)y->data)[i] = x->class_;
        else if (y->element == GR_EL_F32)
            ((float *)y->data)[i] = (float)x->value;
        else
            ((double *)y->data)[i] = x->value;
    }
    return y->kind == GR_TARGET_CLASS ? name_classes(all, y) : GR_OK;
}

static gr_status check_left(const gr__images *all)
{
    if (all->n == 0)
        return gr__fail(all->ctx, GR_E_DATA, "every picture of \"%s\" is damaged",
                        all->folder[0] ? all->folder : all->damaged[0].name);
    for (int32_t k = 0, at = 0; k < all->classes && all->by_folder; k++) {
        size_t i = (size_t)at;
        while (i < all->n && all->image[i].class_ == k) i++;
        if (i == (size_t)at)
            return gr__fail(all->ctx, GR_E_DATA, "every picture of \"%s/%s\" is damaged", all->folder,
                            all->class_name[k]);
        at = (int32_t)i;
    }
    return GR_OK;
}

/* Leaves out what cannot be decoded, which only decoding tells. */
static gr_status leave_out(gr__images *all)
{
    reader *r = NULL;
    const char **name = gr__bump_alloc(all->memory, all->n * sizeof *name);
    if (!name) return GR_E_MEMORY;
    for (size_t i = 0; i < all->n; i++) name[i] = all->image[i].name;
    gr_status st = open_reader(all, all->folder, name, &r);
    if (st != GR_OK) return st;
    size_t one = granules((size_t)(r->height * r->width * all->way.channels)), kept = 0,
           bytes = one + r->reader.scratch;
    char *memory = gr__tensor_alloc(all->ctx, bytes);
    if (!memory) st = gr__error_code(all->ctx);
    for (size_t i = 0; i < all->n && st == GR_OK; i++) {
        gr_status read = r->reader.read(all->ctx, &r->reader, (int64_t)i, memory + one, memory);
        if (read == GR_OK) all->image[kept++] = all->image[i];
        st = gr__images_skip(all, all->ctx, name[i], read);
    }
    gr__tensor_free(all->ctx, memory, bytes);
    r->reader.close(all->ctx, &r->reader);
    all->n = kept;
    return st == GR_OK ? check_left(all) : st;
}

/* What was not read is said once. */
static void tell(const gr__images *all)
{
    char path[4200];
    enum { NAMED = 20 };
    for (size_t i = 0; i < GR_MIN(all->n_damaged, NAMED); i++)
        gr__log(all->ctx, GR_LOG_WARNING, "left out: %s", all->damaged[i].why);
    if (all->n_damaged)
        gr__log(all->ctx, GR_LOG_WARNING, "%s: %zu picture%s left out%s", all->folder[0] ? all->folder : "pictures",
                all->n_damaged, all->n_damaged > 1 ? "s are" : " is",
                all->n_damaged > NAMED ? ", of which the first are named above" : "");
    if (all->others)
        gr__log(all->ctx, GR_LOG_INFO, "%s: %lld other file%s (\"%s\"%s%s) %s not read",
                all->folder[0] ? all->folder : "pictures", (long long)all->others, all->others > 1 ? "s" : "",
                gr__image_path(all->folder, all->other, path, sizeof path), all->other_kind ? ", " : "",
                all->other_kind ? all->other_kind : "", all->others > 1 ? "are" : "is");
}

/* Of names and sizes: what stands for all numbers. */
static uint32_t sum_of(const gr__images *all)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < all->n; i++) {
        crc = gr__crc32(crc, all->image[i].name, strlen(all->image[i].name) + 1);
        crc = gr__crc32(crc, &all->image[i].head.bytes, sizeof all->image[i].head.bytes);
    }
    return crc ? crc : 1;
}

/* Lets the set have what was found; its memory is that of `all`. */
static gr_status make(gr__images *all, const gr__entries *e, const gr_source_options *o, gr_set *out)
{
    reader *r = NULL;
    gr_set s = {0};
    gr_status st = check_sizes(all);
    if (st == GR_OK && all->skip) st = leave_out(all);
    if (st == GR_OK) st = describe(all, e, o, all->memory, &s);
    const char **name = st == GR_OK ? gr__bump_alloc(all->memory, all->n * sizeof *name) : NULL;
    const char *folder = name ? gr__bump_strdup(all->memory, all->folder) : NULL;
    if (st == GR_OK && !folder) st = GR_E_MEMORY;
    for (size_t i = 0; i < all->n && st == GR_OK; i++) name[i] = all->image[i].name;
    s.sample = name;
    if (st == GR_OK && e->n_targets) st = take_targets(all, &s.field[1]);
    if (st == GR_OK) st = open_reader(all, folder, name, &r);
    if (st == GR_OK) {
        s.field[0].reader = &r->reader;
        s.field[0].sum = sum_of(all);
        tell(all);
    }
    s.memory = all->memory;
    all->memory = NULL;
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(all->ctx, &s);
    return st;
}

static void end(gr__images *all)
{
    gr__images_free(all);
    gr__bump_destroy(all->memory);
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__images all;
    const gr__entries e = entries_of(o, true);
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st != GR_OK) return st;
    st = begin(ctx, s, gr__bump_create(ctx), &all);
    if (st == GR_OK) st = find(&all, s, o, e.n_targets ? &e.entry[1] : NULL);
    if (st == GR_OK) st = check_sizes(&all);
    if (st == GR_OK) st = describe(&all, &e, o, o->memory, out);
    end(&all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__images all;
    const gr__entries e = entries_of(o, true);
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st != GR_OK) return st;
    st = begin(ctx, s, gr__bump_create(ctx), &all);
    if (st == GR_OK) st = find(&all, s, o, e.n_targets ? &e.entry[1] : NULL);
    if (st == GR_OK) st = make(&all, &e, o, out);
    end(&all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status raw(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *file, gr_set *out)
{
    gr__images all;
    const gr__entries e = entries_of(o, false);
    bool one = false;
    gr_status st = begin(ctx, s, gr__bump_create(ctx), &all);
    all.folder = file;
    if (st == GR_OK) st = gr__images_of_folder(&all, &one);
    if (st == GR_OK) st = make(&all, &e, o, out);
    if (st == GR_OK) out->one = one;
    end(&all);
    return st;
}

static const gr_row rows[] = {
    {.name = "folder",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "a subfolder for each class, its name the class's; or the folder that the names of `labels` start from"},
    {.name = "labels",
     .kind = GR_ROW_PATH,
     .value = "none",
     .range = "",
     .unit = "",
     .help =
         "a table with the columns file and label, instead of subfolders: which pictures are read, and what each is"},
    {.name = "resize",
     .kind = GR_ROW_AXES,
     .value = "none",
     .range = "[1,16384]",
     .unit = "pixels",
     .help = "height and width that all are brought to: [32, 32]; without it all have one size"},
    {.name = "fit",
     .kind = GR_ROW_CHOICE,
     .value = "stretch",
     .range = "stretch|crop|pad",
     .unit = "",
     .help = "of `resize`, where the sides have another ratio: stretch takes each by itself, crop cuts the middle out, "
             "pad adds black",
     .idle = "resize: none"},
    {.name = "channels",
     .kind = GR_ROW_INT,
     .value = "3",
     .range = "{1,3}",
     .unit = "",
     .help = "3: red, green and blue; 1: grey"},
    {.name = "on_error",
     .kind = GR_ROW_CHOICE,
     .value = "stop",
     .range = "stop|skip",
     .unit = "",
     .help =
         "a damaged picture ends the run, or is left out and told of; to know them, skip decodes all before training"},
};

GR_SOURCE(images) = {
    .head = {.family = "source",
             .name = "images",
             .title = "Folders of pictures: PNG, JPEG, PPM, PGM and PBM",
             .cite = "",
             .equations =
                 "Samples are [height, width, channels], bytes. Files are told by their content and come in "
                 "sorted order (bytewise), classes too.\n"
                 "EXIF's orientation is applied, opacity mixes with black, 16 bits become 0 to 255.\n"
                 "Grey is ITU-R 601, (19595 R + 38470 G + 7471 B + 32768) / 65536 in whole numbers; of a JPEG in YCbCr "
                 "it is Y.\n"
                 "Resizing is bilinear and antialiased: a triangle as wide as the scale, at least a pixel to each side",
             GR_ROWS(rows)},
    .reads = true,
    .info = info,
    .load = load,
    .raw = raw,
};
