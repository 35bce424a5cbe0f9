/* Reading safetensors. The file: 8 bytes with the header's length, little-endian; a header of JSON; the tensors' bytes,
 * which leave no gap. Nothing a file says is believed before it was held against the file's size. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/blob.h"
#include "graph/shape.h"
#include "model/safetensors.h"

#define MAX_HEADER_BYTES ((size_t)100000000) /* what the format's own reader allows */

typedef struct place {
    gr_st_tensor tensor; /* stands first */
    uint64_t at;         /* where it begins within the file's data */
    const char *called;  /* its type */
} place;

struct gr_st {
    gr_context *ctx;
    gr__bump *memory;
    gr__blob file;
    const char *path; /* for messages */
    char *header;     /* of header_bytes, after the 8 of its length */
    size_t header_bytes;
    place *tensor;
    int n_tensors;
    gr_st_pair *meta;
    int n_meta;
};

const gr_st_type_info gr__st_types[] = {
    {"F64", GR_ST_F64, 64},      {"F32", GR_ST_F32, 32},   {"I32", GR_ST_I32, 32},      {"U8", GR_ST_U8, 8},
    {"F16", GR_ST_F16, 16},      {"BF16", GR_ST_BF16, 16}, {"F8_E4M3", GR_ST_OTHER, 8}, {"F8_E5M2", GR_ST_OTHER, 8},
    {"F8_E8M0", GR_ST_OTHER, 8}, {"I64", GR_ST_OTHER, 64}, {"I16", GR_ST_OTHER, 16},    {"I8", GR_ST_OTHER, 8},
    {"U64", GR_ST_OTHER, 64},    {"U32", GR_ST_OTHER, 32}, {"U16", GR_ST_OTHER, 16},    {"BOOL", GR_ST_OTHER, 8},
    {"C64", GR_ST_OTHER, 64},    {NULL, GR_ST_OTHER, 0},
};

/* ---- the header ---- */

typedef struct parser {
    gr_st *st;
    const char *file;
} parser;

static gr_status bad(const parser *p, const char *format, ...) GR_PRINTF(2, 3);
static gr_status bad(const parser *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    gr__print_cut(text, sizeof text, format, args);
    va_end(args);
    return gr__fail(p->st->ctx, GR_E_FORMAT, "\"%s\" is not a sound safetensors file: %s", p->file, text);
}

static gr_status read_meta(const parser *p, json_t *o)
{
    gr_st *st = p->st;
    const char *key;
    json_t *value;
    if (!json_is_object(o)) return bad(p, "__metadata__ is not an object");
    st->meta = gr__bump_alloc(st->memory, sizeof *st->meta * json_object_size(o));
    if (!st->meta) return GR_E_MEMORY;
    json_object_foreach(o, key, value)
    {
        if (!json_is_string(value)) return bad(p, "the metadata \"%.80s\" is not text", key);
        gr_st_pair *m = &st->meta[st->n_meta++];
        m->key = gr__bump_strdup(st->memory, key);
        m->value = gr__bump_strdup(st->memory, json_string_value(value));
        if (!m->key || !m->value) return GR_E_MEMORY;
    }
    return GR_OK;
}

static gr_status read_shape(const parser *p, const char *name, const json_t *list, gr_shape *out, uint64_t *count)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list)) return bad(p, "tensor \"%.80s\" has no shape", name);
    if (n > GR_MAX_RANK) return bad(p, "tensor \"%.80s\" has %zu axes, more than %d", name, n, GR_MAX_RANK);
    *count = 1;
    out->rank = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(list, i);
        json_int_t size = json_is_integer(d) ? json_integer_value(d) : -1;
        if (size < 0) return bad(p, "tensor \"%.80s\" has a size that is not a number from 0 on", name);
        if (size > 0 && *count > (uint64_t)INT64_MAX / 64 / (uint64_t)size)
            return bad(p, "tensor \"%.80s\" is larger than any file", name);
        *count *= (uint64_t)size;
        out->dim[i] = size;
    }
    return GR_OK;
}

static uint64_t data_bytes(const gr_st *st)
{
    return st->file.bytes - 8 - st->header_bytes;
}

static const gr_st_type_info *find_type(const char *name)
{
    for (const gr_st_type_info *t = gr__st_types; name && t->name; t++)
        if (strcmp(t->name, name) == 0) return t;
    return NULL;
}

static gr_status read_tensor(const parser *p, const char *name, json_t *o)
{
    gr_st *st = p->st;
    uint64_t count = 0, all = data_bytes(st);
    place *where = &st->tensor[st->n_tensors];
    gr_st_tensor *t = &where->tensor;
    const gr_st_type_info *type = find_type(json_string_value(json_object_get(o, "dtype")));
    const json_t *offsets = json_object_get(o, "data_offsets"), *from = json_array_get(offsets, 0),
                 *to = json_array_get(offsets, 1);
    if (!json_is_object(o)) return bad(p, "\"%.80s\" is not a tensor's description", name);
    if (!type) return bad(p, "tensor \"%.80s\" has an unknown type", name);
    gr_status status = read_shape(p, name, json_object_get(o, "shape"), &t->shape, &count);
    if (status != GR_OK) return status;
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return bad(p, "tensor \"%.80s\" has no data_offsets", name);
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > all)
        return bad(p, "tensor \"%.80s\" lies at %lld to %lld of %llu bytes of data", name, (long long)begin,
                   (long long)end, (unsigned long long)all);
    if ((uint64_t)(end - begin) != count * (uint64_t)type->bits / 8) {
        char shape[96];
        return bad(p, "tensor \"%.80s\" has %lld bytes, but %s of %s takes %llu", name, (long long)(end - begin),
                   gr__shape_text(t->shape, shape), type->name, (unsigned long long)(count * (uint64_t)type->bits / 8));
    }
    t->name = gr__bump_strdup(st->memory, name);
    t->type = type->type;
    where->called = type->name;
    if (st->file.fd < 0) t->data = st->file.data + 8 + st->header_bytes + begin;
    where->at = (uint64_t)begin;
    t->bytes = (size_t)(end - begin);
    st->n_tensors++;
    return t->name ? GR_OK : GR_E_MEMORY;
}

static gr_status read_header(const parser *p, json_t *root)
{
    gr_st *st = p->st;
    const char *key;
    json_t *value;
    gr_status status = GR_OK;
    if (!json_is_object(root)) return bad(p, "its header is not a JSON object");
    st->tensor = gr__bump_alloc(st->memory, sizeof *st->tensor * (json_object_size(root) + 1));
    if (!st->tensor) return GR_E_MEMORY;
    json_object_foreach(root, key, value)
    {
        status = strcmp(key, "__metadata__") == 0 ? read_meta(p, value) : read_tensor(p, key, value);
        if (status != GR_OK) return status;
    }
    return GR_OK;
}

/* ---- the tensors ---- */

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return (x->tensor.bytes > y->tensor.bytes) - (x->tensor.bytes < y->tensor.bytes); /* empty ones first */
}

/* No overlap and no gap: a file cannot hide anything, nor give the same bytes twice. */
static gr_status check_layout(const parser *p)
{
    gr_st *st = p->st;
    uint64_t at = 0, all = data_bytes(st);
    if (st->n_tensors) qsort(st->tensor, (size_t)st->n_tensors, sizeof *st->tensor, by_place);
    for (int i = 0; i < st->n_tensors; i++) {
        const place *t = &st->tensor[i];
        if (t->at != at)
            return bad(p, "tensor \"%.80s\" %s", t->tensor.name,
                       t->at < at ? "overlaps the one before it" : "leaves a gap before it");
        at += t->tensor.bytes;
    }
    if (at != all) return bad(p, "%llu bytes at its end belong to no tensor", (unsigned long long)(all - at));
    return GR_OK;
}

static gr_status parse(const parser *p)
{
    gr_st *st = p->st;
    unsigned char length[8];
    uint64_t n = 0;
    json_error_t error;
    gr_status status = GR_OK;
    if (st->file.bytes < 8) return bad(p, "it has only %llu bytes", (unsigned long long)st->file.bytes);
    status = gr__blob_read(&st->file, 0, length, sizeof length);
    if (status != GR_OK) return status;
    for (int i = 0; i < 8; i++) n |= (uint64_t)length[i] << (8 * i);
    if (n > MAX_HEADER_BYTES || n > st->file.bytes - 8)
        return bad(p, "its header would have %llu bytes, the file has %llu", (unsigned long long)n,
                   (unsigned long long)st->file.bytes);
    if (!(st->header = gr__alloc(st->ctx, (size_t)n + 1))) return GR_E_MEMORY;
    st->header_bytes = (size_t)n;
    status = gr__blob_read(&st->file, 8, st->header, st->header_bytes);
    if (status != GR_OK) return status;
    if (st->header[0] != '{') return bad(p, "its header is not a JSON object");
    json_t *root = json_loadb(st->header, st->header_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) return bad(p, "its header is not JSON: %s", error.text);
    status = read_header(p, root);
    json_decref(root);
    return status == GR_OK ? check_layout(p) : status;
}

/* Takes the blob over. */
static gr_status open_blob(gr__blob *file, const char *path, gr_st **out)
{
    gr_context *ctx = file->ctx;
    gr_st *st = gr__alloc(ctx, sizeof *st);
    if (!st) {
        gr__blob_close(file);
        return GR_E_MEMORY;
    }
    *st = (gr_st){.ctx = ctx, .file = *file, .memory = gr__bump_create(ctx)};
    gr_status status = st->memory && (st->path = gr__bump_strdup(st->memory, path)) ? GR_OK : GR_E_MEMORY;
    st->file.name = st->path;
    if (status == GR_OK) status = parse(&(parser){st, st->path});
    if (status == GR_OK)
        *out = st;
    else
        gr__st_close(st);
    return status;
}

gr_status gr__st_parse(gr_context *ctx, const char *name, char *bytes, size_t n, gr_st **out)
{
    gr__blob file;
    gr__blob_memory(ctx, name, bytes, n, &file);
    file.owned = bytes;
    file.owned_bytes = n + 1;
    return open_blob(&file, name, out);
}

gr_status gr__st_open(gr_context *ctx, const char *path, gr_st **out)
{
    gr__blob file;
    gr_status st = gr__blob_open(ctx, path, &file);
    if (st == GR_OK) st = open_blob(&file, path, out);
    return gr__mistaken_model(ctx, path, st);
}

gr_status gr__st_whole(gr_context *ctx, const char *path, gr_st **out)
{
    char *bytes;
    size_t n;
    gr_status st = gr__file_read(ctx, path, SIZE_MAX, &bytes, &n);
    if (st == GR_OK) st = gr__st_parse(ctx, path, bytes, n, out);
    return gr__mistaken_model(ctx, path, st);
}

void gr__st_close(gr_st *st)
{
    if (!st) return;
    gr__blob_close(&st->file);
    if (st->header) gr__free(st->ctx, st->header, st->header_bytes + 1);
    gr__bump_destroy(st->memory);
    gr__free(st->ctx, st, sizeof *st);
}

/* ---- looking at it ---- */

int gr__st_count(const gr_st *st)
{
    return st->n_tensors;
}

const gr_st_tensor *gr__st_at(const gr_st *st, int i)
{
    return &st->tensor[i].tensor;
}

const gr_st_tensor *gr__st_find(const gr_st *st, const char *name)
{
    for (int i = 0; i < st->n_tensors; i++)
        if (strcmp(st->tensor[i].tensor.name, name) == 0) return &st->tensor[i].tensor;
    return NULL;
}

gr_status gr__st_read(const gr_st *st, const gr_st_tensor *t, size_t at, size_t bytes, void *to)
{
    const place *where = (const place *)t; /* it stands first */
    return gr__blob_read(&st->file, 8 + st->header_bytes + where->at + at, to, bytes);
}

const char *gr__st_called(const gr_st_tensor *t)
{
    return ((const place *)t)->called; /* it stands first */
}

int gr__st_pairs(const gr_st *st)
{
    return st->n_meta;
}

gr_st_pair gr__st_pair(const gr_st *st, int i)
{
    return st->meta[i];
}

const char *gr__st_meta(const gr_st *st, const char *key)
{
    for (int i = 0; i < st->n_meta; i++)
        if (strcmp(st->meta[i].key, key) == 0) return st->meta[i].value;
    return NULL;
}

/* ---- the checksum ---- */

const char *gr__st_crc_place(const char *header, size_t n)
{
    static const char tail[] = "\"}}";
    size_t mark = sizeof GR_ST_CRC - 1, end = sizeof tail - 1, all = mark + GR_ST_CRC_DIGITS + end;
    while (n > 0 && header[n - 1] == ' ') n--;
    if (n < all || memcmp(header + n - end, tail, end) != 0 || memcmp(header + n - all, GR_ST_CRC, mark) != 0)
        return NULL;
    return header + n - end - GR_ST_CRC_DIGITS;
}

uint32_t gr__st_header_crc(const char *header, size_t n, const char *digits)
{
    const char *after = digits + GR_ST_CRC_DIGITS;
    uint32_t crc = gr__crc32(0, header, (size_t)(digits - header));
    return gr__crc32(crc, after, (size_t)(header + n - after));
}

static gr_status data_crc(const gr_st *st, uint32_t *crc)
{
    uint64_t all = data_bytes(st);
    size_t room = (size_t)GR_MIN(all, (uint64_t)GR_ST_PIECE);
    char *piece = gr__alloc(st->ctx, room);
    gr_status status = piece ? GR_OK : GR_E_MEMORY;
    *crc = 0;
    for (uint64_t at = 0; at < all && status == GR_OK; at += room) {
        size_t n = (size_t)GR_MIN(all - at, room);
        status = gr__blob_read(&st->file, 8 + st->header_bytes + at, piece, n);
        if (status == GR_OK) *crc = gr__crc32(*crc, piece, n);
    }
    gr__free(st->ctx, piece, room);
    return status;
}

gr_status gr__st_verify_as(const gr_st *st, const char *path, bool ours)
{
    const char *digits = gr__st_crc_place(st->header, st->header_bytes);
    char now[GR_ST_CRC_DIGITS + 1];
    uint32_t crc;
    if (digits) {
        gr_status status = data_crc(st, &crc);
        if (status != GR_OK) return status;
        snprintf(now, sizeof now, "%08x%08x", gr__st_header_crc(st->header, st->header_bytes, digits), crc);
    }
    bool header_fits = digits && memcmp(digits, now, 8) == 0;
    if (!header_fits && !ours) return GR_OK; /* another tool wrote it */
    if (header_fits && memcmp(digits + 8, now + 8, 8) == 0) return GR_OK;
    return gr__fail(st->ctx, GR_E_FORMAT, "\"%s\" is damaged: %s", path,
                    digits ? "its checksum does not fit" : "it has no checksum");
}

gr_status gr__st_verify(gr_st *st, const char *path)
{
    return gr__st_verify_as(st, path, false);
}
