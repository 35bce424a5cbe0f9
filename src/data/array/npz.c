/* NPZ: several arrays in one ZIP archive, stored or deflated. Only the directory at the end is believed, and each of
 * its numbers is checked against the file. */
#include "data/array/npz.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define END_BYTES 22 /* of the end record without its comment */
#define MOST_COMMENT 65535
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define MOST_DIRECTORY ((uint64_t)16 << 20)

typedef struct member {
    uint64_t packed_bytes, bytes, at; /* at: of its local header */
    uint32_t crc;
    uint16_t method; /* 0 stored, 8 deflated */
} member;

static uint16_t u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
    return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

static gr_status damaged(const gr__blob *zip, const char *what)
{
    return gr__fail(zip->ctx, GR_E_FORMAT, "\"%s\" is not a whole ZIP archive: %s", zip->name, what);
}

bool gr__npz_begins(const unsigned char *front, size_t n)
{
    return n >= 4 && (memcmp(front, "PK\3\4", 4) == 0 || memcmp(front, "PK\5\6", 4) == 0);
}

/* The place of the directory, from the end record, or the one for large archives in front of it. */
static gr_status find_directory(const gr__blob *zip, uint64_t *at, uint64_t *bytes)
{
    unsigned char magic[4] = {0};
    if (zip->bytes < END_BYTES) return damaged(zip, "it is too short");
    gr_status st = gr__blob_read(zip, 0, magic, 4);
    if (st != GR_OK) return st;
    if (magic[0] != 'P' || magic[1] != 'K') return damaged(zip, "it does not begin with PK");
    size_t n = (size_t)GR_MIN(zip->bytes, END_BYTES + MOST_COMMENT + 20);
    unsigned char *tail = gr__alloc(zip->ctx, n);
    if (!tail) return GR_E_MEMORY;
    st = gr__blob_read(zip, zip->bytes - n, tail, n);
    const unsigned char *end = NULL;
    for (size_t i = n - END_BYTES + 1; st == GR_OK && i-- > 0;) {
        if (u32(tail + i) == 0x06054B50 && u16(tail + i + 20) == n - END_BYTES - i) {
            end = tail + i;
            break;
        }
    }
    if (st == GR_OK && !end) st = damaged(zip, "its directory is missing");
    if (st == GR_OK) {
        *bytes = u32(end + 12);
        *at = u32(end + 16);
        if (end - tail >= 20 && u32(end - 20) == 0x07064B50) { /* locator of the 64-bit end record */
            unsigned char record[56];
            uint64_t where = u64(end - 20 + 8);
            st = gr__blob_read(zip, where, record, sizeof record);
            if (st == GR_OK && u32(record) != 0x06064B50) st = damaged(zip, "its 64-bit directory is missing");
            if (st == GR_OK) {
                *bytes = u64(record + 40);
                *at = u64(record + 48);
            }
        }
    }
    gr__free(zip->ctx, tail, n);
    if (st == GR_OK && (*at > zip->bytes || *bytes > zip->bytes - *at)) st = damaged(zip, "its directory lies outside");
    if (st == GR_OK && *bytes > MOST_DIRECTORY) st = damaged(zip, "its directory is larger than 16 MiB");
    return st;
}

/* The 64-bit numbers of an entry, in the extra field with id 1, stand in for those of its 32-bit numbers that are all
 * ones. */
static void widen(const unsigned char *extra, size_t n, member *m)
{
    while (n >= 4) {
        size_t length = u16(extra + 2);
        if (length > n - 4) return;
        if (u16(extra) == 1) {
            const unsigned char *p = extra + 4, *end = p + length;
            uint64_t *const fields[] = {&m->bytes, &m->packed_bytes, &m->at};
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != UINT32_MAX || end - p < 8) continue;
                *fields[i] = u64(p);
                p += 8;
            }
            return;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
}

static bool is_named(const unsigned char *entry, size_t n, const char *name)
{
    size_t length = strlen(name);
    return n >= length && memcmp(entry, name, length) == 0 &&
           (n == length || (n == length + 4 && memcmp(entry + length, ".npy", 4) == 0));
}

static gr_status no_member(const gr__blob *zip, const char *name, const unsigned char *directory, size_t n)
{
    char names[300];
    size_t used = 0;
    while (n >= ENTRY_BYTES && used < sizeof names - 1) {
        size_t length = u16(directory + 28), skip = ENTRY_BYTES + length + u16(directory + 30) + u16(directory + 32);
        if (skip > n) break;
        bool npy = length > 4 && memcmp(directory + ENTRY_BYTES + length - 4, ".npy", 4) == 0;
        int more = snprintf(names + used, sizeof names - used, "%s%.*s", used ? ", " : "",
                            (int)GR_MIN(npy ? length - 4 : length, 64), (const char *)directory + ENTRY_BYTES);
        used = GR_MIN(used + (size_t)GR_MAX(more, 0), sizeof names - 1);
        directory += skip;
        n -= skip;
    }
    gr_status st = gr__fail(zip->ctx, GR_E_DATA, "\"%s\" has no array \"%s\"", zip->name, name);
    if (used) gr__error_hint(zip->ctx, "it has %s", names);
    return st;
}

/* The whole directory; the caller frees its n bytes. */
static gr_status read_directory(const gr__blob *zip, unsigned char **out, size_t *n)
{
    uint64_t at = 0, bytes = 0;
    gr_status st = find_directory(zip, &at, &bytes);
    if (st != GR_OK) return st;
    *n = (size_t)bytes;
    *out = gr__alloc(zip->ctx, *n);
    if (!*out) return GR_E_MEMORY;
    st = gr__blob_read(zip, at, *out, *n);
    if (st != GR_OK) gr__free(zip->ctx, *out, *n);
    return st;
}

/* Bytes of the entry at e, of which `left` are there. */
static gr_status entry_bytes(const gr__blob *zip, const unsigned char *e, size_t left, size_t *out)
{
    *out = ENTRY_BYTES + (size_t)u16(e + 28) + u16(e + 30) + u16(e + 32);
    return u32(e) != 0x02014B50 || *out > left ? damaged(zip, "its directory is broken") : GR_OK;
}

static gr_status find_member(const gr__blob *zip, const char *name, member *out)
{
    unsigned char *directory = NULL;
    size_t n = 0, bytes;
    gr_status st = read_directory(zip, &directory, &n);
    if (st != GR_OK) return st;
    bool found = false;
    for (size_t at = 0; st == GR_OK && n - at >= ENTRY_BYTES; at += st == GR_OK ? bytes : 0) {
        const unsigned char *e = directory + at;
        st = entry_bytes(zip, e, n - at, &bytes);
        if (st != GR_OK || !is_named(e + ENTRY_BYTES, u16(e + 28), name)) continue;
        if (found) {
            st = gr__fail(zip->ctx, GR_E_DATA, "\"%s\" holds two arrays called \"%s\"", zip->name, name);
            break;
        }
        *out = (member){.method = u16(e + 10),
                        .crc = u32(e + 16),
                        .packed_bytes = u32(e + 20),
                        .bytes = u32(e + 24),
                        .at = u32(e + 42)};
        widen(e + ENTRY_BYTES + u16(e + 28), u16(e + 30), out);
        if (u16(e + 8) & 1) st = damaged(zip, "the array is encrypted");
        found = true;
    }
    if (st == GR_OK && !found) st = no_member(zip, name, directory, n);
    gr__free(zip->ctx, directory, n);
    return st;
}

gr_status gr__npz_names(const gr__blob *zip, gr__bump *b, const char *const **names, int *n_names)
{
    unsigned char *directory = NULL;
    size_t n = 0, bytes;
    gr_status st = read_directory(zip, &directory, &n);
    if (st != GR_OK) return st;
    const char **all = gr__bump_alloc(b, (n / ENTRY_BYTES + 1) * sizeof *all);
    if (!all) st = gr__error_code(zip->ctx);
    *names = all;
    *n_names = 0;
    for (size_t at = 0; st == GR_OK && n - at >= ENTRY_BYTES; at += st == GR_OK ? bytes : 0) {
        const char *name = (const char *)directory + at + ENTRY_BYTES;
        int length = u16(directory + at + 28);
        st = entry_bytes(zip, directory + at, n - at, &bytes);
        if (st != GR_OK) break;
        if (length > 4 && memcmp(name + length - 4, ".npy", 4) == 0) length -= 4;
        all[*n_names] = gr__bump_format(b, "%.*s", length, name);
        if (!all[(*n_names)++]) st = gr__error_code(zip->ctx);
    }
    gr__free(zip->ctx, directory, n);
    return st;
}

/* Where a member's packed bytes begin, all of them within the file. */
static gr_status locate(const gr__blob *zip, const member *m, uint64_t *data_at)
{
    unsigned char local[LOCAL_BYTES];
    gr_status st = gr__blob_read(zip, m->at, local, sizeof local);
    if (st != GR_OK) return st;
    if (u32(local) != 0x04034B50) return damaged(zip, "an array's own header is missing");
    *data_at = m->at + LOCAL_BYTES + u16(local + 26) + u16(local + 28);
    if (*data_at > zip->bytes || m->packed_bytes > zip->bytes - *data_at)
        return damaged(zip, "an array reaches beyond its end");
    if (m->method != 0 && m->method != 8)
        return gr__fail(zip->ctx, GR_E_FORMAT, "\"%s\" is packed with ZIP method %d; stored and deflated are known",
                        zip->name, m->method);
    if (m->method == 0 && m->bytes != m->packed_bytes) return damaged(zip, "a stored array has two sizes");
    if (m->bytes / 1032 > m->packed_bytes) return damaged(zip, "an array promises more than its bytes can hold");
    return GR_OK;
}

/* The array, packed or not, where it stands in the archive. */
gr_status gr__npz_open(const gr__blob *zip, const char *name, const char *label, gr__part *out)
{
    member m = {0};
    uint64_t at = 0;
    gr__blob blob;
    gr_status st = find_member(zip, name, &m);
    if (st == GR_OK) st = locate(zip, &m, &at);
    if (st != GR_OK) return st;
    gr__blob_part(zip, label, at, m.packed_bytes, &blob);
    blob.packing = m.method == 8 ? GR__DEFLATE : GR__PLAIN;
    blob.checked = true;
    blob.content = m.bytes;
    blob.crc = m.crc;
    return gr__part_read(&blob, gr__npy_header, out);
}

/* ---- the source ---- */

typedef struct arrays {
    gr__bump *memory;
    gr__blob zip;
    gr__entries entries;
    gr__part part[GR_MAX_FIELDS];
    int n; /* that are open */
} arrays;

static void arrays_close(arrays *a)
{
    for (int i = 0; i < a->n; i++) gr__part_close(&a->part[i]);
    gr__blob_close(&a->zip);
    gr__bump_destroy(a->memory);
}

static gr_status open_one(gr_context *ctx, arrays *a, const gr__entry *e, gr__part *out)
{
    const char *label = gr__bump_format(a->memory, "%s:%s", a->zip.name, e->text);
    if (!label) return gr__error_code(ctx);
    return gr__place(ctx, e->at, gr__npz_open(&a->zip, e->text, label, out));
}

static gr_status arrays_open(gr_context *ctx, const gr_settings *s, const gr_source_options *o, arrays *a)
{
    static const gr__field_rows field_rows = {
        .inputs = "inputs", .targets = "targets", .weights = "weights", .lengths = "lengths"};
    a->n = 0;
    a->zip = (gr__blob){.fd = -1};
    a->memory = gr__bump_create(ctx);
    gr_status st = a->memory ? gr__entries_of(ctx, s, o, &field_rows, &a->entries) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    const char *path = gr__source_path(a->memory, s, "file", o);
    if (!path) return gr__error_code(ctx);
    st = gr__blob_open(ctx, path, &a->zip);
    for (int i = 0; i < gr__entries_n(&a->entries) && st == GR_OK; i++) {
        st = open_one(ctx, a, &a->entries.entry[i], &a->part[i]);
        a->n += st == GR_OK;
    }
    return gr__source_place(ctx, s, "file", gr__mistaken_data(ctx, path, "an NPZ archive", st));
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    arrays a;
    gr_status st = arrays_open(ctx, s, o, &a);
    if (st == GR_OK) st = gr__arrays_info(ctx, &a.entries, a.part, o, out);
    arrays_close(&a);
    return st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    arrays a;
    gr_status st = arrays_open(ctx, s, o, &a);
    if (st == GR_OK) st = gr__arrays_load(ctx, &a.entries, a.part, o, out);
    arrays_close(&a);
    return st;
}

static const gr_row rows[] = {
    {.name = "file",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "archive that numpy.savez or savez_compressed wrote"},
    {.name = "inputs",
     .kind = GR_ROW_TREE,
     .value = "inputs",
     .range = "a name, or {NAME: name, ...}",
     .unit = "",
     .help = "name of the array [N, ...] of samples; of several inputs one each"},
    {.name = "targets",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a name, or {HEAD: name, ...}",
     .unit = "",
     .help = "name of the array of targets: [N] or [N, 1] of classes, or of values in the output's shape, or flat; of "
             "several heads one each"},
    {.name = "weights",
     .kind = GR_ROW_TEXT,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "name of the array [N] of numbers from 0 on: how much each sample weighs"},
    {.name = "lengths",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a name, or {NAME: name, ...}",
     .unit = "",
     .help = "name of the array [N] of whole numbers from 1 to T: how many of the T steps of each sample of an input "
             "[T, ...] "
             "count"},
};

GR_SOURCE(npz) = {
    .head = {.family = "source",
             .name = "npz",
             .title = "NumPy arrays, several in one archive",
             .cite = "NumPy, NPZ; PKWARE, ZIP 6.3",
             .equations = "integer targets are classes, real ones values, unless the cost wants it otherwise",
             GR_ROWS(rows)},
    .info = info,
    .load = load,
};

const char *gr__npz_array_of(const gr_tree *source, const char *input)
{
    if (gr__family_peek(NULL, &gr__family_source, source) != &gr__source_npz.head) return NULL;
    const gr_tree *t = gr__tree_get(source, "inputs");
    if (!t) return "inputs"; /* the default */
    if (t->kind == GR_TREE_MAP) t = gr__tree_get(t, input);
    return t && t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP ? t->text : NULL;
}
