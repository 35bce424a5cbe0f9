/* The source `images`: a folder of pictures, a subfolder a class, or a table that names them. */
#include <string.h>

#include "data/folder.h"
#include "data/picture/picture.h"

typedef struct images {
    gr__folder all;
    gr__picture_way way;
    int64_t height, width; /* of every sample */
} images;

static const gr__picture *head_of(const images *m, size_t i)
{
    return m->all.file[i].head;
}

/* ---- samples, decoded one by one ---- */

typedef struct reader {
    gr_reader reader;
    const char *folder;
    const gr__blob *opened; /* as the folder's; held before it is closed */
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
    gr_status st = gr__file_open(ctx, r->folder, r->name[row], r->opened, path, sizeof path, &file);
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

static gr_status open_reader(const images *m, reader **out)
{
    gr_context *ctx = m->all.ctx;
    reader *r = gr__alloc(ctx, sizeof *r);
    if (!r) return GR_E_MEMORY;
    *r = (reader){.reader = {.read = read_picture, .close = close_reader},
                  .way = m->way,
                  .opened = m->all.opened,
                  .height = m->height,
                  .width = m->width};
    for (size_t i = 0; i < m->all.n; i++) {
        if (!head_of(m, i)) continue;
        size_t desk = gr__picture_scratch(head_of(m, i), &m->way);
        r->desk = GR_MAX(r->desk, desk);
        r->file_bytes = GR_MAX(r->file_bytes, head_of(m, i)->bytes);
    }
    r->reader.scratch = granules(r->file_bytes) + r->desk;
    r->folder = gr__bump_strdup(m->all.memory, m->all.folder);
    r->name = gr__folder_names(&m->all);
    *out = r;
    return r->folder && r->name ? GR_OK : GR_E_MEMORY;
}

/* ---- what the settings say ---- */

static gr_status look(const gr__blob *b, void *head, bool *is)
{
    gr__picture *p = head;
    gr_status st = gr__picture_head(b, p);
    *is = p->kind != GR__NO_PICTURE;
    return st;
}

static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".pbm", ".pnm", NULL};
static const gr__file_kind pictures = {
    "picture", "PNG, JPEG and PNM are read", suffixes, sizeof(gr__picture), look, gr__picture_other};

static gr_status begin(gr_context *ctx, const gr_settings *s, images *out)
{
    int64_t size[2] = {0};
    const gr_tree *resize = gr__setting_tree(s, "resize");
    *out = (images){.all = gr__folder_begin(ctx, s, &pictures)};
    out->way = (gr__picture_way){.isa = gr__isa_chosen(),
                                 .channels = (int)gr__setting_int(s, "channels"),
                                 .fit = gr__setting_is(s, "fit", "crop")  ? GR__FIT_CROP
                                        : gr__setting_is(s, "fit", "pad") ? GR__FIT_PAD
                                                                          : GR__FIT_STRETCH};
    if (!out->all.memory) return GR_E_MEMORY;
    if (!resize) return GR_OK;
    gr__setting_axes(ctx, s, "resize", size, 2);
    out->way.height = size[0];
    out->way.width = size[1];
    return gr__error_code(ctx);
}

/* ---- the set ---- */

/* Whether picture i, which is to be read, has this size. */
static bool has_size(const images *m, size_t i, int64_t height, int64_t width)
{
    int64_t h, w;
    gr__picture_size(head_of(m, i), &m->way, &h, &w);
    return h == height && w == width;
}

static bool is_read(const images *m, size_t i)
{
    return head_of(m, i) && !m->all.file[i].faulty && (m->all.skip || !gr__row_is_out(m->all.faults, (int64_t)i));
}

/* The size of all, which is the first one's; where faults are noted, that of more than half, if there is one: whoever
 * votes for another takes a vote away. */
static void settle_size(images *m)
{
    int64_t votes = 0;
    bool note = m->all.faults && m->all.faults->note;
    gr__picture_size(head_of(m, gr__folder_first(&m->all)), &m->way, &m->height, &m->width);
    for (size_t i = 0; i < m->all.n; i++) {
        if (!is_read(m, i)) continue;
        if (votes == 0) gr__picture_size(head_of(m, i), &m->way, &m->height, &m->width);
        votes += has_size(m, i, m->height, m->width) ? 1 : -1;
        if (!note) break;
    }
}

static gr_status other_size(const images *m, size_t i)
{
    const gr__folder *all = &m->all;
    int64_t height, width;
    size_t one = 0;
    char path[4200], other[4200];
    while (one + 1 < all->n && !(is_read(m, one) && has_size(m, one, m->height, m->width))) one++;
    gr__picture_size(head_of(m, i), &m->way, &height, &width);
    gr_status st = gr__fail(all->ctx, GR_E_DATA,
                            "pictures have different sizes: \"%s\" is %lld x %lld (height x width), \"%s\" %lld x %lld",
                            gr__file_path(all->folder, all->file[one].name, path, sizeof path), (long long)m->height,
                            (long long)m->width, gr__file_path(all->folder, all->file[i].name, other, sizeof other),
                            (long long)height, (long long)width);
    gr__error_hint(all->ctx, "resize: [%lld, %lld] brings all to one", (long long)m->height, (long long)m->width);
    return st;
}

static gr_status check_sizes(images *m)
{
    gr_status st = GR_OK;
    settle_size(m);
    for (size_t i = 0; i < m->all.n && !m->way.height && st == GR_OK; i++)
        if (is_read(m, i) && !has_size(m, i, m->height, m->width))
            st = gr__folder_let(&m->all, i, GR_FAULT_SHAPE, other_size(m, i));
    return st;
}

static gr_status describe(const images *m, const gr__entries *e, const gr_source_options *o, gr__bump *b, gr_set *out)
{
    gr_status st = gr__folder_describe(&m->all, e, o, b, out);
    if (st != GR_OK) return st;
    out->field[0].sample = GR_SHAPE(m->height, m->width, m->way.channels);
    out->field[0].bytes = (uint64_t)out->n * (uint64_t)gr_shape_count(out->field[0].sample);
    out->field[0].element = GR_EL_U8;
    return GR_OK;
}

/* Leaves out what cannot be decoded, by a reader of all of them. */
static gr_status leave_out(images *m)
{
    reader *r = NULL;
    if (!m->all.skip) return GR_OK;
    gr_status st = open_reader(m, &r);
    if (st == GR_OK) st = gr__folder_leave_out(&m->all, &r->reader, (size_t)(m->height * m->width * m->way.channels));
    if (r) close_reader(m->all.ctx, &r->reader);
    return st;
}

/* Lets the set have what was found; its memory is that of the folder. */
static gr_status make(images *m, const gr__entries *e, const gr_source_options *o, gr_set *out)
{
    reader *r = NULL;
    gr_set s = {0};
    gr_status st = check_sizes(m);
    if (st == GR_OK) st = leave_out(m);
    if (st == GR_OK) st = describe(m, e, o, m->all.memory, &s);
    if (st == GR_OK) st = open_reader(m, &r);
    st = gr__folder_make(&m->all, st, r ? &r->reader : NULL, &s);
    if (st == GR_OK) *out = s;
    return st;
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    images m;
    const gr__entries e = gr__folder_entries(o, true);
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st != GR_OK) return st;
    st = begin(ctx, s, &m);
    if (st == GR_OK) st = gr__folder_find(&m.all, s, o, e.n_targets ? &e.entry[1] : NULL);
    if (st == GR_OK) st = check_sizes(&m);
    if (st == GR_OK) st = describe(&m, &e, o, o->memory, out);
    gr__folder_end(&m.all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    images m;
    const gr__entries e = gr__folder_entries(o, true);
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st != GR_OK) return st;
    st = begin(ctx, s, &m);
    if (st == GR_OK) st = gr__folder_find(&m.all, s, o, e.n_targets ? &e.entry[1] : NULL);
    if (st == GR_OK) st = make(&m, &e, o, out);
    gr__folder_end(&m.all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status raw(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *file, gr_set *out)
{
    images m;
    const gr__entries e = gr__folder_entries(o, false);
    bool one = false;
    gr_status st = begin(ctx, s, &m);
    if (st == GR_OK) st = gr__folder_of_files(&m.all, file, o->opened, &one);
    if (st == GR_OK) st = make(&m, &e, o, out);
    if (st == GR_OK) out->one = one;
    gr__folder_end(&m.all);
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
    .libraries = gr__picture_libraries,
};
