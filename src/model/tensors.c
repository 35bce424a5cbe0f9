/* Stores and files: parameters under PyTorch's names and layouts, checkpoints in memory order. */
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "model/safetensors.h"
#include "optim/optim.h"
#include "plan/store.h"

/* ---- layouts ---- */

/* A convolution's weights as the four sizes of memory: outputs, height, width, inputs. Weights of places and channels
 * are those of one output. */
typedef struct conv_sizes {
    int64_t o, h, w, i;
} conv_sizes;

static bool is_turned(const gr_entry_spec *s)
{
    return s->layout != GR_LAYOUT_PLAIN;
}

static conv_sizes sizes_of(const gr_entry_spec *spec)
{
    gr_shape s = spec->shape;
    int64_t last = s.dim[s.rank - 1];
    if (spec->layout == GR_LAYOUT_CHANNELS) return (conv_sizes){1, 1, last ? gr_shape_count(s) / last : 0, last};
    if (s.rank == 3) return (conv_sizes){s.dim[0], 1, s.dim[1], s.dim[2]};
    return (conv_sizes){s.dim[0], s.dim[1], s.dim[2], s.dim[3]};
}

static gr_shape channels_first(gr_shape s)
{
    gr_shape t = s;
    t.dim[0] = s.dim[s.rank - 1];
    for (int i = 1; i < s.rank; i++) t.dim[i] = s.dim[i - 1];
    return t;
}

gr_shape gr__file_shape(const gr_entry_spec *s)
{
    if (!is_turned(s)) return s->shape;
    if (s->layout == GR_LAYOUT_CHANNELS) return channels_first(s->shape);
    conv_sizes c = sizes_of(s);
    return s->layout == GR_LAYOUT_CONV ? GR_SHAPE(c.o, c.i, c.h, c.w) : GR_SHAPE(c.o, c.i, c.w);
}

/* [outer, rows, columns] to [outer, columns, rows]: where element `offset` goes. */
static int64_t transposed(int64_t offset, int64_t rows, int64_t columns)
{
    int64_t matrix = rows * columns, inside = offset % matrix;
    return offset - inside + inside % columns * rows + inside / columns;
}

int64_t gr__offset_in_file(const gr_entry_spec *s, int64_t offset)
{
    if (!is_turned(s)) return offset;
    conv_sizes c = sizes_of(s);
    return transposed(offset, c.h * c.w, c.i);
}

int64_t gr__offset_in_memory(const gr_entry_spec *s, int64_t offset)
{
    if (!is_turned(s)) return offset;
    conv_sizes c = sizes_of(s);
    return transposed(offset, c.i, c.h * c.w);
}

/* ---- models ---- */

bool gr__model_holds(const gr_entry_spec *s)
{
    return !s->slot || s->saved;
}

/* Walks an entry's elements in the file's order and tells where each stands in memory. */
typedef struct walk {
    conv_sizes c;
    int64_t o, i, p; /* output, input, place of the kernel */
} walk;

static walk walk_from(const gr_entry *e, int64_t element)
{
    bool turned = is_turned(&e->spec) && e->count > 0;
    walk w = {.c = turned ? sizes_of(&e->spec) : (conv_sizes){e->count, 1, 1, 1}};
    int64_t area = w.c.h * w.c.w, each = area * w.c.i;
    w.o = element / each;
    w.i = element % each / area;
    w.p = element % area;
    return w;
}

static int64_t walk_next(walk *w)
{
    int64_t area = w->c.h * w->c.w, at = (w->o * area + w->p) * w->c.i + w->i;
    if (++w->p == area) w->p = 0, w->i++;
    if (w->i == w->c.i) w->i = 0, w->o++;
    return at;
}

static gr_st_type memory_type(const gr_store *s, const gr_entry *e)
{
    if (e->spec.role == GR_ROLE_CODES) return GR_ST_U8;
    return e->spec.shape.rank == 0 || gr_backend_real_bytes(gr__store_backend(s)) == 8 ? GR_ST_F64 : GR_ST_F32;
}

/* Of a model file: masks are bytes. */
static gr_st_type file_type(const gr_entry *e, bool float64)
{
    return e->spec.role == GR_ROLE_MASK ? GR_ST_U8 : float64 ? GR_ST_F64 : GR_ST_F32;
}

static size_t type_bytes(gr_st_type type)
{
    return type == GR_ST_F64 ? 8 : type == GR_ST_F32 ? 4 : 1;
}

static size_t memory_bytes(const gr_store *s, const gr_entry *e)
{
    return (size_t)e->count * type_bytes(memory_type(s, e));
}

/* Whether a file with numbers of `type` holds the entry as memory does. */
static bool as_in_memory(const gr_store *s, const gr_entry *e, gr_st_type type)
{
    return !is_turned(&e->spec) && memory_type(s, e) == type;
}

static void convert(gr_st_type from, const void *a, size_t i, gr_st_type to, void *b, size_t k)
{
    double x;
    float single;
    if (from == GR_ST_F64) /* a file's data need not be aligned */
        memcpy(&x, (const char *)a + 8 * i, 8);
    else if (from == GR_ST_F32)
        memcpy(&single, (const char *)a + 4 * i, 4), x = single;
    else
        x = ((const unsigned char *)a)[i];
    single = (float)x;
    if (to == GR_ST_F64)
        memcpy((char *)b + 8 * k, &x, 8);
    else if (to == GR_ST_F32)
        memcpy((char *)b + 4 * k, &single, 4);
    else
        ((unsigned char *)b)[k] = (unsigned char)x;
}

typedef struct sources { /* of the tensors that are written */
    const gr_store *store;
    const gr_entry **entry;
    const gr_computed *made; /* NULL: all stand in the store */
    bool float64;            /* the file's reals */
} sources;

static gr_status to_file(void *user, int i, size_t at, size_t bytes, void *to)
{
    const sources *s = user;
    const gr_entry *e = s->entry[i];
    gr_st_type type = memory_type(s->store, e), as = file_type(e, s->float64);
    const void *made = s->made ? s->made->numbers(s->made->user, e->spec.name) : NULL, *data = made ? made : e->data;
    size_t width = type_bytes(as);
    walk w = walk_from(e, (int64_t)(at / width));
    for (size_t k = 0; k < bytes / width; k++) convert(type, data, (size_t)walk_next(&w), as, to, k);
    return GR_OK;
}

/* Slot NAME/slot of a parameter or a state, or this itself where it has none. */
static const gr_entry *as_viewed(const gr_store *s, const gr_entry *e, const char *slot)
{
    char name[512];
    if (!slot) return e;
    snprintf(name, sizeof name, "%s/%s", e->spec.name, slot);
    const gr_entry *other = gr_store_find(s, name);
    return other ? other : e;
}

gr_status gr__model_save(gr_context *ctx, const char *path, const gr_store *s, const char *slot, bool float64,
                         const gr_computed *made, const gr_st_pair *meta, int n_meta)
{
    int n = 0, count = gr_store_count(s);
    size_t table = sizeof(gr_st_tensor) * (size_t)(count + 1), list = sizeof(gr_entry *) * (size_t)(count + 1);
    gr_st_tensor *tensors = gr__alloc(ctx, table);
    sources from = {s, gr__alloc(ctx, list), made, float64};
    gr_status st = tensors && from.entry ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < count && st == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i), *viewed = as_viewed(s, e, slot);
        if (!gr__model_holds(&e->spec) || (made && made->leaves_out(made->user, e->spec.name))) continue;
        gr_st_type type = file_type(e, float64);
        from.entry[n] = viewed;
        tensors[n++] = (gr_st_tensor){.name = e->spec.name,
                                      .type = type,
                                      .shape = gr__file_shape(&e->spec),
                                      .bytes = (size_t)e->count * type_bytes(type),
                                      .data = !made && as_in_memory(s, viewed, type) ? viewed->data : NULL};
    }
    if (st == GR_OK) st = gr__st_write_pieces(ctx, path, tensors, n, &(gr_st_maker){to_file, &from}, meta, n_meta);
    gr__free(ctx, from.entry, list);
    gr__free(ctx, tensors, table);
    return st;
}

static gr_status from_file(gr_context *ctx, const gr_st *st, gr_store *s, const gr_entry *e, const gr_st_tensor *t)
{
    if (as_in_memory(s, e, t->type)) return gr__st_read(st, t, 0, t->bytes, e->data);
    size_t room = GR_MIN(t->bytes, (size_t)GR_ST_PIECE);
    char *piece = gr__alloc(ctx, room);
    gr_status status = piece ? GR_OK : GR_E_MEMORY;
    gr_st_type type = memory_type(s, e);
    walk w = walk_from(e, 0);
    for (size_t at = 0, n; at < t->bytes && status == GR_OK; at += n) {
        n = GR_MIN(t->bytes - at, room);
        status = gr__st_read(st, t, at, n, piece);
        for (size_t k = 0; k < n / type_bytes(t->type) && status == GR_OK; k++)
            convert(t->type, piece, k, type, e->data, (size_t)walk_next(&w));
    }
    gr__free(ctx, piece, room);
    return status;
}

static gr_status check_tensor(gr_context *ctx, const char *path, const gr_entry *e, const gr_st_tensor *t)
{
    char a[96], b[96];
    gr_shape want = gr__file_shape(&e->spec);
    if (!t)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has no tensor \"%s\", which the network has with shape %s", path,
                        e->spec.name, gr__shape_text(want, b));
    if (!gr__shape_equal(t->shape, want))
        return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" has shape %s, the network's has %s", path, t->name,
                        gr__shape_text(t->shape, a), gr__shape_text(want, b));
    if (e->spec.role == GR_ROLE_MASK)
        return t->type == GR_ST_U8
                   ? GR_OK
                   : gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is a mask and not U8", path, t->name);
    if (t->type != GR_ST_F32 && t->type != GR_ST_F64)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is neither F32 nor F64", path, t->name);
    return GR_OK;
}

/* PyTorch counts batches in its models; nothing here depends on it. */
bool gr__model_ignores(const char *name)
{
    static const char tail[] = "num_batches_tracked";
    size_t n = strlen(name), k = sizeof tail - 1;
    return n >= k && strcmp(name + n - k, tail) == 0;
}

/* "h.weight.mask" of a tensor of the network: which of its numbers are held at 0 in training. Who does not train has no
 * place for it. */
static bool is_mask(const gr_store *s, const gr_st_tensor *t)
{
    char name[512];
    size_t n = strlen(t->name), k = sizeof GR_MASK - 1;
    if (t->type != GR_ST_U8 || n <= k || n - k >= sizeof name || strcmp(t->name + n - k, GR_MASK) != 0) return false;
    snprintf(name, sizeof name, "%.*s", (int)(n - k), t->name);
    const gr_entry *e = gr_store_find(s, name);
    return e && !e->spec.slot && gr__shape_equal(gr__file_shape(&e->spec), t->shape);
}

typedef struct choice { /* of tensors by their names; wanted NULL: all */
    bool (*wanted)(const void *user, const char *tensor);
    const void *user;
} choice;

static bool is_wanted(const choice *c, const char *tensor)
{
    return !c->wanted || c->wanted(c->user, tensor);
}

static gr_status refuse_extra(gr_context *ctx, const gr_st *st, const char *path, const gr_store *s, bool models,
                              const choice *of)
{
    for (int i = 0; i < gr__st_count(st); i++) {
        const gr_st_tensor *t = gr__st_at(st, i);
        if (!is_wanted(of, t->name)) continue;
        const gr_entry *e = gr_store_find(s, t->name);
        char shape[96];
        if ((e && (!models || gr__model_holds(&e->spec))) || (models && (gr__model_ignores(t->name) || is_mask(s, t))))
            continue;
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has a tensor \"%s\" %s, which the network has not", path, t->name,
                        gr__shape_text(t->shape, shape));
    }
    return GR_OK;
}

static gr_status check_mask(gr_context *ctx, const char *path, const gr_store *s, const gr_entry *e)
{
    double x[512];
    for (int64_t at = 0, n; at < e->count; at += n) {
        n = GR_MIN(e->count - at, (int64_t)GR_COUNT(x));
        gr__store_get(s, e, at, n, x);
        for (int64_t k = 0; k < n; k++)
            if (x[k] > 1)
                return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is a mask and holds %g; 0 and 1 are allowed",
                                path, e->spec.name, x[k]);
    }
    return GR_OK;
}

gr_status gr__model_load(gr_context *ctx, const gr_st *st, const char *path, gr_store *s)
{
    return gr__model_load_some(ctx, st, path, s, NULL, NULL);
}

gr_status gr__model_load_some(gr_context *ctx, const gr_st *st, const char *path, gr_store *s,
                              bool (*wanted)(const void *user, const char *tensor), const void *user)
{
    const choice of = {wanted, user};
    gr_status status = refuse_extra(ctx, st, path, s, true, &of);
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i);
        if (!gr__model_holds(&e->spec) || !is_wanted(&of, e->spec.name)) continue;
        const gr_st_tensor *t = gr__st_find(st, e->spec.name);
        if (!t && e->spec.role == GR_ROLE_MASK) continue; /* nothing is held yet */
        status = check_tensor(ctx, path, e, t);
        if (status == GR_OK) status = from_file(ctx, st, s, e, t);
        if (status == GR_OK && e->spec.role == GR_ROLE_MASK) status = check_mask(ctx, path, s, e);
    }
    return status;
}

/* ---- checkpoints ---- */

gr_status gr__checkpoint_write(gr_context *ctx, const char *path, const gr_store *s, const gr_st_pair *state,
                               int n_state)
{
    int n = gr_store_count(s);
    size_t bytes = sizeof(gr_st_tensor) * (size_t)(n + 1), meta_bytes = sizeof(gr_st_pair) * (size_t)(n_state + 1);
    gr_st_tensor *tensors = gr__alloc(ctx, bytes);
    gr_st_pair *meta = gr__alloc(ctx, meta_bytes);
    gr_status st = tensors && meta ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) {
        for (int i = 0; i < n; i++) {
            const gr_entry *e = gr_store_entry(s, i);
            tensors[i] = (gr_st_tensor){.name = e->spec.name,
                                        .type = memory_type(s, e),
                                        .shape = e->spec.shape,
                                        .bytes = memory_bytes(s, e),
                                        .data = e->data};
        }
        meta[0] = (gr_st_pair){"gradus.checkpoint", "1"};
        if (n_state) memcpy(meta + 1, state, sizeof *state * (size_t)n_state);
        st = gr__st_write(ctx, path, tensors, n, meta, n_state + 1);
    }
    gr__free(ctx, meta, meta_bytes);
    gr__free(ctx, tensors, bytes);
    return st;
}

gr_status gr__checkpoint_read(gr_context *ctx, const char *path, gr_st **out)
{
    gr_st *file = NULL;
    gr_status st = gr__st_open(ctx, path, &file);
    if (st != GR_OK) return st;
    const char *version = gr__st_meta(file, "gradus.checkpoint");
    if (!version)
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is not a checkpoint", path);
    else if (strcmp(version, "1") != 0)
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is a checkpoint of format %.20s, this version reads format 1", path,
                      version);
    else
        st = gr__st_verify_as(file, path, true);
    if (st == GR_OK)
        *out = file;
    else
        gr__st_close(file);
    return st;
}

gr_status gr__checkpoint_apply(gr_context *ctx, const gr_st *st, const char *path, gr_store *s)
{
    gr_status status = refuse_extra(ctx, st, path, s, false, &(choice){0});
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i);
        const gr_st_tensor *t = gr__st_find(st, e->spec.name);
        char a[96], b[96];
        if (!t)
            return gr__fail(ctx, GR_E_DATA, "\"%s\" has no \"%s\", which this run has with shape %s", path,
                            e->spec.name, gr__shape_text(e->spec.shape, b));
        if (!gr__shape_equal(t->shape, e->spec.shape) || t->type != memory_type(s, e))
            return gr__fail(
                ctx, GR_E_DATA,
                "\"%s\": \"%s\" has %d-byte numbers and shape %s, this run's has %d-byte numbers and shape %s", path,
                t->name, (int)type_bytes(t->type), gr__shape_text(t->shape, a), (int)type_bytes(memory_type(s, e)),
                gr__shape_text(e->spec.shape, b));
    }
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) { /* only once all of it fits */
        const gr_entry *e = gr_store_entry(s, i);
        status = gr__st_read(st, gr__st_find(st, e->spec.name), 0, memory_bytes(s, e), e->data);
    }
    return status;
}
