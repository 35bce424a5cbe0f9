/* Writing safetensors: the same bytes for the same tensors and metadata. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "model/safetensors.h"

static const char *type_name(gr_st_type type)
{
    const gr_st_type_info *t = gr__st_types;
    while (t->type != type) t++;
    return t->name;
}

static void put_tensor(gr__text *t, const gr_st_tensor *tensor, uint64_t from)
{
    gr__json_text(t, tensor->name);
    gr__text_add(t, ":{\"dtype\":\"%s\",\"shape\":[", type_name(tensor->type));
    for (int i = 0; i < tensor->shape.rank; i++)
        gr__text_add(t, "%s%lld", i ? "," : "", (long long)tensor->shape.dim[i]);
    gr__text_add(t, "],\"data_offsets\":[%llu,%llu]},", (unsigned long long)from,
                 (unsigned long long)(from + tensor->bytes));
}

/* The metadata stands last, and the checksum last in it: see GR_ST_CRC. */
static void put_header(gr__text *t, const gr_st_tensor *tensors, int n, const gr_st_pair *meta, int n_meta)
{
    uint64_t at = 0;
    gr__text_put(t, "{", 1);
    for (int i = 0; i < n; i++) {
        put_tensor(t, &tensors[i], at);
        at += tensors[i].bytes;
    }
    gr__text_add(t, "\"__metadata__\":{");
    for (int i = 0; i < n_meta; i++) {
        gr__json_text(t, meta[i].key);
        gr__text_put(t, ":", 1);
        gr__json_text(t, meta[i].value);
        gr__text_put(t, ",", 1);
    }
    gr__text_add(t, GR_ST_CRC "%0*d\"}}", GR_ST_CRC_DIGITS, 0);
    while (!t->failed && t->n % 8) gr__text_put(t, " ", 1);
}

/* What is written. */
typedef struct content {
    const gr_st_tensor *tensor;
    int n;
    const gr_st_maker *maker;
    char *piece; /* `room` bytes */
    size_t room;
} content;

/* For a piece of the largest tensor that does not stand in memory: small models are written often. */
static size_t room_for(const gr_st_tensor *tensors, int n)
{
    size_t room = 0;
    for (int i = 0; i < n; i++)
        if (!tensors[i].data) room = GR_MAX(room, GR_MIN(tensors[i].bytes, (size_t)GR_ST_PIECE));
    return room;
}

/* Gives the tensors' bytes in their order, those that do not stand in memory in pieces. */
static gr_status walk(const content *c, void (*take)(void *user, const void *data, size_t n), void *user)
{
    for (int i = 0; i < c->n; i++) {
        const gr_st_tensor *t = &c->tensor[i];
        if (t->data && t->bytes) take(user, t->data, t->bytes);
        for (size_t at = 0, n; !t->data && at < t->bytes; at += n) {
            n = GR_MIN(t->bytes - at, c->room);
            gr_status st = c->maker->make(c->maker->user, i, at, n, c->piece);
            if (st != GR_OK) return st;
            take(user, c->piece, n);
        }
    }
    return GR_OK;
}

static void into_crc(void *user, const void *data, size_t n)
{
    uint32_t *crc = user;
    *crc = gr__crc32(*crc, data, n);
}

static void into_writer(void *user, const void *data, size_t n)
{
    gr__writer_put(user, data, n);
}

static void put_crc(gr__text *t, uint32_t data)
{
    char digits[GR_ST_CRC_DIGITS + 1];
    char *place = t->s + (gr__st_crc_place(t->s, t->n) - t->s);
    snprintf(digits, sizeof digits, "%08x%08x", gr__st_header_crc(t->s, t->n, place), data);
    memcpy(place, digits, GR_ST_CRC_DIGITS);
}

gr_status gr__st_write_pieces(gr_context *ctx, const char *path, const gr_st_tensor *tensors, int n,
                              const gr_st_maker *maker, const gr_st_pair *meta, int n_meta)
{
    gr__text t;
    gr__writer *w = NULL;
    unsigned char length[8];
    uint32_t crc = 0;
    content c = {.tensor = tensors, .n = n, .maker = maker, .room = room_for(tensors, n)};
    c.piece = gr__alloc(ctx, c.room);
    if (!c.piece) return GR_E_MEMORY;
    gr__text_init(&t, ctx);
    put_header(&t, tensors, n, meta, n_meta);
    gr_status st = t.failed ? GR_E_MEMORY : GR_OK;
    if (st == GR_OK) st = walk(&c, into_crc, &crc); /* which stands before the data: so pieces are made twice */
    if (st == GR_OK) {
        put_crc(&t, crc);
        st = gr__writer_open(ctx, path, &w);
    }
    if (st == GR_OK) {
        for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)t.n >> (8 * i));
        gr__writer_put(w, length, sizeof length);
        gr__writer_put(w, t.s, t.n);
        st = walk(&c, into_writer, w);
        if (st == GR_OK)
            st = gr__writer_commit(w);
        else
            gr__writer_abort(w);
    }
    gr__text_free(&t);
    gr__free(ctx, c.piece, c.room);
    return st;
}

gr_status gr__st_write(gr_context *ctx, const char *path, const gr_st_tensor *tensors, int n, const gr_st_pair *meta,
                       int n_meta)
{
    return gr__st_write_pieces(ctx, path, tensors, n, NULL, meta, n_meta);
}
