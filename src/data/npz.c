/* NPZ: several arrays in one ZIP archive, stored or deflated. Only the directory at the end is believed, and each of
 * its numbers is checked against the file. */
#include "data/npz.h"

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

static gr_status find_member(const gr__blob *zip, const char *name, member *out)
{
    uint64_t at = 0, bytes = 0;
    gr_status st = find_directory(zip, &at, &bytes);
    if (st != GR_OK) return st;
    size_t n = (size_t)bytes, left = n;
    unsigned char *directory = gr__alloc(zip->ctx, n);
    if (!directory) return GR_E_MEMORY;
    st = gr__blob_read(zip, at, directory, n);
    const unsigned char *e = directory;
    bool found = false;
    while (st == GR_OK && left >= ENTRY_BYTES && !found) {
        size_t name_n = u16(e + 28), extra_n = u16(e + 30), skip = ENTRY_BYTES + name_n + extra_n + u16(e + 32);
        if (u32(e) != 0x02014B50 || skip > left) {
            st = damaged(zip, "its directory is broken");
        } else if (is_named(e + ENTRY_BYTES, name_n, name)) {
            *out = (member){.method = u16(e + 10),
                            .crc = u32(e + 16),
                            .packed_bytes = u32(e + 20),
                            .bytes = u32(e + 24),
                            .at = u32(e + 42)};
            widen(e + ENTRY_BYTES + name_n, extra_n, out);
            if (u16(e + 8) & 1) st = damaged(zip, "the array is encrypted");
            found = true;
        }
        e += skip;
        left -= GR_MIN(skip, left);
    }
    if (st == GR_OK && !found) st = no_member(zip, name, directory, n);
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
    gr__part inputs, targets;
    bool has_targets;
} arrays;

static void arrays_close(arrays *a)
{
    gr__part_close(&a->inputs);
    gr__part_close(&a->targets);
    gr__blob_close(&a->zip);
    gr__bump_destroy(a->memory);
}

static gr_status open_one(gr_context *ctx, const gr_settings *s, arrays *a, const char *row, gr__part *out)
{
    const char *label = gr__bump_format(a->memory, "%s:%s", a->zip.name, gr__setting_text(s, row));
    if (!label) return gr__error_code(ctx);
    gr_status st = gr__source_place(ctx, s, row, gr__npz_open(&a->zip, gr__setting_text(s, row), label, out));
    out->at = gr__source_at(s, row);
    return st;
}

static gr_status arrays_open(gr_context *ctx, const gr_settings *s, const gr_source_options *o, arrays *a)
{
    *a = (arrays){.memory = gr__bump_create(ctx)};
    const char *path = a->memory ? gr__source_path(a->memory, s, "file", o) : NULL;
    if (!path) return gr__error_code(ctx);
    gr_status st = gr__blob_open(ctx, path, &a->zip);
    if (st == GR_OK) st = open_one(ctx, s, a, "inputs", &a->inputs);
    st = gr__source_place(ctx, s, "file", gr__mistaken_data(ctx, path, "an NPZ archive", st));
    if (st != GR_OK || !gr__setting_text(s, "targets")) return st;
    a->has_targets = true;
    return open_one(ctx, s, a, "targets", &a->targets);
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set_info *out)
{
    arrays a;
    gr_status st = arrays_open(ctx, s, o, &a);
    if (st == GR_OK) st = gr__pair_info(ctx, &a.inputs, a.has_targets ? &a.targets : NULL, o, out);
    arrays_close(&a);
    return st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    arrays a;
    gr_status st = arrays_open(ctx, s, o, &a);
    if (st == GR_OK) st = gr__pair_load(ctx, &a.inputs, a.has_targets ? &a.targets : NULL, o, out);
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
     .kind = GR_ROW_TEXT,
     .value = "inputs",
     .range = "",
     .unit = "",
     .help = "name of the array [N, ...] of samples"},
    {.name = "targets",
     .kind = GR_ROW_TEXT,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "name of the array of targets: [N] or [N, 1] of classes, or of values in the output's shape, or flat"},
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
