/* NPZ: a member an array, an NPY header before its numbers; sizes of 4 GiB and more in the 64-bit fields of ZIP. */
#include "data/array/npz_write.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define NARROW ((uint64_t)UINT32_MAX) /* and what stands in a 32-bit field of something larger */

enum {
    VERSION = 20,
    VERSION_64 = 45,
    DATE = 1 << 5 | 1, /* the first of January 1980: ZIP's beginning */
    HEAD = 64,         /* NPY: headers are a multiple of this */
    PIECE = 256 << 10  /* bytes of an array that are made at a time */
};

typedef struct member {
    const gr__npz_array *array;
    char head[1024]; /* the NPY header */
    size_t head_bytes;
    uint64_t bytes, at; /* at: of its local header */
    uint32_t crc;
} member;

typedef struct archive {
    gr__writer *to;
    uint64_t at;
    const gr__npz_maker *maker;
    char *piece; /* PIECE bytes where there is a maker */
} archive;

static void put(archive *a, const void *data, uint64_t n)
{
    gr__writer_put(a->to, data, (size_t)n);
    a->at += n;
}

static void number(archive *a, uint64_t x, int bytes)
{
    unsigned char b[8];
    for (int i = 0; i < bytes; i++) b[i] = (unsigned char)(x >> 8 * i);
    put(a, b, (uint64_t)bytes);
}

/* ---- members ---- */

/* Gives the bytes of array i, in pieces where they are made. */
static gr_status walk(archive *a, const gr__npz_array *array, int i,
                      void (*take)(void *user, const void *data, uint64_t n), void *user)
{
    if (array->data || !a->maker) {
        take(user, array->data, array->bytes);
        return GR_OK;
    }
    for (uint64_t at = 0, n; at < array->bytes; at += n) {
        n = GR_MIN(array->bytes - at, (uint64_t)PIECE);
        gr_status st = a->maker->make(a->maker->user, i, (size_t)at, (size_t)n, a->piece);
        if (st != GR_OK) return st;
        take(user, a->piece, n);
    }
    return GR_OK;
}

static void into_archive(void *user, const void *data, uint64_t n)
{
    put(user, data, n);
}

static void into_crc(void *user, const void *data, uint64_t n)
{
    uint32_t *crc = user;
    *crc = gr__crc32(*crc, data, (size_t)n);
}

static gr_status make_head(gr_context *ctx, member *m)
{
    const gr__npz_array *a = m->array;
    gr__text t;
    gr__text_init(&t, ctx);
    gr__text_put(&t, "\x93NUMPY\1\0\0\0", 10);
    gr__text_add(&t, "{'descr': '%s', 'fortran_order': False, 'shape': (", a->type);
    for (int i = 0; i < a->rank; i++) gr__text_add(&t, "%s%lld", i ? ", " : "", (long long)a->dim[i]);
    gr__text_add(&t, "%s), }", a->rank == 1 ? "," : "");
    while (!t.failed && (t.n + 1) % HEAD) gr__text_put(&t, " ", 1);
    gr__text_put(&t, "\n", 1);
    bool failed = t.failed, fits = !failed && t.n <= sizeof m->head;
    if (fits) {
        memcpy(m->head, t.s, t.n);
        m->head_bytes = t.n;
        m->head[8] = (char)((t.n - 10) & 255);
        m->head[9] = (char)((t.n - 10) >> 8);
        m->bytes = t.n + a->bytes;
        m->crc = gr__crc32(0, m->head, t.n);
    }
    gr__text_free(&t);
    return fits ? GR_OK : failed ? gr__error_code(ctx) : gr__fail(ctx, GR_E_INTERNAL, "a header of NPY is too long");
}

/* What both headers of a member have: from the version that reads it to its sizes. */
static void put_common(archive *a, const member *m, bool wide)
{
    number(a, wide ? VERSION_64 : VERSION, 2);
    number(a, 0, 2); /* flags */
    number(a, 0, 2); /* stored */
    number(a, 0, 2); /* midnight */
    number(a, DATE, 2);
    number(a, m->crc, 4);
    number(a, wide ? NARROW : m->bytes, 4);
    number(a, wide ? NARROW : m->bytes, 4);
    number(a, strlen(m->array->name) + 4, 2);
}

static void put_name(archive *a, const member *m)
{
    put(a, m->array->name, strlen(m->array->name));
    put(a, ".npy", 4);
}

static gr_status put_member(archive *a, member *m, int i)
{
    bool wide = m->bytes >= NARROW;
    m->at = a->at;
    put(a, "PK\3\4", 4);
    put_common(a, m, wide);
    number(a, wide ? 20 : 0, 2);
    put_name(a, m);
    if (wide) {
        number(a, 1, 2);
        number(a, 16, 2);
        number(a, m->bytes, 8);
        number(a, m->bytes, 8);
    }
    put(a, m->head, m->head_bytes);
    return walk(a, m->array, i, into_archive, a);
}

/* ---- the directory ---- */

static void put_entry(archive *a, const member *m)
{
    bool wide = m->bytes >= NARROW, far = m->at >= NARROW;
    int extra = (wide ? 16 : 0) + (far ? 8 : 0);
    put(a, "PK\1\2", 4);
    number(a, wide || far ? VERSION_64 : VERSION, 2);
    put_common(a, m, wide);
    number(a, extra ? (uint64_t)extra + 4 : 0, 2);
    number(a, 0, 2); /* comment */
    number(a, 0, 2); /* disk */
    number(a, 0, 2); /* attributes, of ours */
    number(a, 0, 4); /* and of the system's */
    number(a, far ? NARROW : m->at, 4);
    put_name(a, m);
    if (!extra) return;
    number(a, 1, 2);
    number(a, (uint64_t)extra, 2);
    if (wide) number(a, m->bytes, 8);
    if (wide) number(a, m->bytes, 8);
    if (far) number(a, m->at, 8);
}

static void put_end(archive *a, uint64_t directory, int n)
{
    uint64_t end = a->at, bytes = end - directory;
    bool far = directory >= NARROW;
    if (far) {
        put(a, "PK\6\6", 4);
        number(a, 44, 8);
        number(a, VERSION_64, 2);
        number(a, VERSION_64, 2);
        number(a, 0, 8); /* disks */
        number(a, (uint64_t)n, 8);
        number(a, (uint64_t)n, 8);
        number(a, bytes, 8);
        number(a, directory, 8);
        put(a, "PK\6\7", 4);
        number(a, 0, 4);
        number(a, end, 8);
        number(a, 1, 4);
    }
    put(a, "PK\5\6", 4);
    number(a, 0, 4); /* disks */
    number(a, (uint64_t)n, 2);
    number(a, (uint64_t)n, 2);
    number(a, bytes, 4);
    number(a, far ? NARROW : directory, 4);
    number(a, 0, 2); /* comment */
}

gr_status gr__npz_write_pieces(gr_context *ctx, const char *path, const gr__npz_array *array, int n,
                               const gr__npz_maker *maker)
{
    gr_status st = GR_OK;
    archive a = {.maker = maker, .piece = maker ? gr__alloc(ctx, PIECE) : NULL};
    size_t room = sizeof(member) * (size_t)n;
    member *m = gr__alloc(ctx, room);
    if (!m || (maker && !a.piece)) GR_TRY(GR_E_MEMORY);
    for (int i = 0; i < n; i++) {
        m[i].array = &array[i];
        GR_TRY(make_head(ctx, &m[i]));
        GR_TRY(walk(&a, &array[i], i, into_crc, &m[i].crc));
    }
    GR_TRY(gr__writer_open(ctx, path, &a.to));
    for (int i = 0; i < n; i++) GR_TRY(put_member(&a, &m[i], i));
    uint64_t directory = a.at;
    for (int i = 0; i < n; i++) put_entry(&a, &m[i]);
    put_end(&a, directory, n);
    st = gr__writer_commit(a.to);
    a.to = NULL;
done:
    gr__writer_abort(a.to);
    if (a.piece) gr__free(ctx, a.piece, PIECE);
    if (m) gr__free(ctx, m, room);
    return st;
}

gr_status gr__npz_write(gr_context *ctx, const char *path, const gr__npz_array *array, int n)
{
    return gr__npz_write_pieces(ctx, path, array, n, NULL);
}
