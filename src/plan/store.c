/* The store: parameters and slots by name, in a few contiguous blocks.
 *
 * Parameters stand in one block in the order they were added. Slots stand in one block a suffix (the name after the
 * last '/'), in the order of the parameters they belong to, so that an update over all parameters walks every block
 * from front to back. */
#include <assert.h>
#include <string.h>

#include "plan/store.h"

typedef struct block {
    const char *suffix; /* NULL: the parameters */
    size_t bytes;
    void *data;
} block;

struct gr_store {
    gr_context *ctx;
    const gr_backend *backend;
    gr_entry *entries;
    size_t n, capacity;
    size_t parameter_bytes, slot_bytes;
    block *blocks; /* NULL until sealed; parameters first */
    size_t n_blocks;
};

gr_status gr_store_create(gr_context *ctx, const gr_backend *backend, gr_store **out)
{
    if (!backend) return gr__fail(ctx, GR_E_USAGE, "a store needs a backend");
    gr_store *s = gr__alloc(ctx, sizeof *s);
    if (!s) return gr__error_code(ctx);
    s->ctx = ctx;
    s->backend = backend;
    *out = s;
    return GR_OK;
}

static void release_blocks(gr_store *s)
{
    for (size_t i = 0; i < s->n_blocks; i++) gr__tensor_free(s->ctx, s->blocks[i].data, s->blocks[i].bytes);
    gr__free(s->ctx, s->blocks, (s->n + 1) * sizeof *s->blocks);
    s->blocks = NULL;
    s->n_blocks = 0;
}

void gr_store_destroy(gr_store *s)
{
    if (!s) return;
    release_blocks(s);
    for (size_t i = 0; i < s->n; i++) gr__strfree(s->ctx, (char *)s->entries[i].spec.name);
    gr__free(s->ctx, s->entries, s->capacity * sizeof *s->entries);
    gr__free(s->ctx, s, sizeof *s);
}

const gr_backend *gr__store_backend(const gr_store *s)
{
    return s->backend;
}

bool gr__store_sealed(const gr_store *s)
{
    return s->blocks != NULL;
}

static size_t element_bytes(const gr_store *s, const gr_entry_spec *e)
{
    return e->role == GR_ROLE_CODES ? 1 : gr__element_bytes(gr__backend_element(s->backend, GR_REAL, e->shape));
}

static size_t entry_bytes(const gr_store *s, const gr_entry *e)
{
    return gr__granules((uint64_t)e->count * element_bytes(s, &e->spec));
}

static int find(const gr_store *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->entries[i].spec.name, name) == 0) return (int)i;
    return -1;
}

static bool same_spec(const gr_entry_spec *a, const gr_entry_spec *b)
{
    return gr__shape_equal(a->shape, b->shape) && a->slot == b->slot && a->saved == b->saved && a->role == b->role &&
           a->layout == b->layout && memcmp(&a->initial, &b->initial, sizeof a->initial) == 0;
}

static gr_status check_shape(gr_store *s, const gr_entry_spec *spec)
{
    bool fits = spec->shape.rank >= 0 && spec->shape.rank <= GR_MAX_RANK;
    int64_t room = INT64_MAX / 2 / (int64_t)sizeof(double);
    for (int i = 0; fits && i < spec->shape.rank; i++) {
        int64_t d = spec->shape.dim[i];
        fits = d >= 0 && (d == 0 || d <= room);
        if (fits && d > 0) room /= d;
    }
    if (fits) return GR_OK;
    return gr__fail(s->ctx, GR_E_SHAPE,
                    "entry \"%s\": the shape has a negative size, more than %d axes or too many elements", spec->name,
                    GR_MAX_RANK);
}

gr_status gr_store_add(gr_store *s, const gr_entry_spec *spec, int *index)
{
    if (!spec->name || !*spec->name) return gr__fail(s->ctx, GR_E_USAGE, "an entry of a store needs a name");
    gr_status st = check_shape(s, spec);
    if (st != GR_OK) return st;
    int at = find(s, spec->name);
    if (at >= 0) {
        const gr_entry_spec *old = &s->entries[at].spec;
        char a[96], b[96];
        if (!same_spec(old, spec))
            return gr__fail(s->ctx, GR_E_CONFLICT,
                            "entry \"%s\" is in the store already, as a different one: %s %s against %s %s", spec->name,
                            old->slot ? "slot" : "parameter", gr__shape_text(old->shape, a),
                            spec->slot ? "slot" : "parameter", gr__shape_text(spec->shape, b));
        if (index) *index = at;
        return GR_OK;
    }
    if (s->blocks) return gr__fail(s->ctx, GR_E_USAGE, "entry \"%s\" comes too late: the store is sealed", spec->name);
    if (!GR_ROOM(s->ctx, s->entries, s->capacity, s->n + 1)) return gr__error_code(s->ctx);
    gr_entry e = {.spec = *spec, .count = gr_shape_count(spec->shape)};
    e.spec.name = gr__strdup(s->ctx, spec->name);
    if (!e.spec.name) return gr__error_code(s->ctx);
    size_t *total = spec->slot ? &s->slot_bytes : &s->parameter_bytes;
    e.offset = spec->slot ? 0 : *total; /* parameters have their final places at once, slots when the store is sealed */
    *total += entry_bytes(s, &e);
    s->entries[s->n] = e;
    if (index) *index = (int)s->n;
    s->n++;
    return GR_OK;
}

int gr_store_count(const gr_store *s)
{
    return (int)s->n;
}

const gr_entry *gr_store_entry(const gr_store *s, int index)
{
    return index >= 0 && (size_t)index < s->n ? &s->entries[index] : NULL;
}

const gr_entry *gr_store_find(const gr_store *s, const char *name)
{
    return gr_store_entry(s, find(s, name));
}

void gr_store_bytes(const gr_store *s, uint64_t *parameters, uint64_t *slots)
{
    if (parameters) *parameters = s->parameter_bytes;
    if (slots) *slots = s->slot_bytes;
}

/* What comes after the last '/'; slots without one share a block under "". */
static const char *suffix_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : "";
}

static bool belongs_to(const gr_entry *slot, const gr_entry *parameter)
{
    const char *slash = strrchr(slot->spec.name, '/');
    size_t n = slash ? (size_t)(slash - slot->spec.name) : 0;
    return slash && !parameter->spec.slot && strncmp(slot->spec.name, parameter->spec.name, n) == 0 &&
           parameter->spec.name[n] == '\0';
}

static void append(gr_store *s, block *b, gr_entry *e)
{
    e->offset = b->bytes;
    b->bytes += entry_bytes(s, e);
}

/* Gives the slots of one suffix their offsets: first those of parameters, in the parameters' order, then the others. */
static void lay_out_slots(gr_store *s, block *b, bool *placed)
{
    for (size_t p = 0; p < s->n; p++)
        for (size_t i = 0; i < s->n && !s->entries[p].spec.slot; i++) {
            gr_entry *e = &s->entries[i];
            if (placed[i] || !e->spec.slot || strcmp(suffix_of(e->spec.name), b->suffix) != 0 ||
                !belongs_to(e, &s->entries[p]))
                continue;
            append(s, b, e);
            placed[i] = true;
        }
    for (size_t i = 0; i < s->n; i++) {
        gr_entry *e = &s->entries[i];
        if (placed[i] || !e->spec.slot || strcmp(suffix_of(e->spec.name), b->suffix) != 0) continue;
        append(s, b, e);
        placed[i] = true;
    }
}

static block *block_of(gr_store *s, const gr_entry *e)
{
    if (!e->spec.slot) return &s->blocks[0];
    size_t i = 1;
    while (strcmp(s->blocks[i].suffix, suffix_of(e->spec.name)) != 0) i++;
    return &s->blocks[i];
}

static void fill(gr_store *s, gr_entry *e)
{
    if (!e->spec.slot || e->spec.initial == 0) return; /* fresh memory is zero */
    double *d = e->data;
    float *f = e->data;
    bool wide = element_bytes(s, &e->spec) == sizeof(double);
    for (int64_t i = 0; i < e->count; i++) {
        if (wide)
            d[i] = e->spec.initial;
        else
            f[i] = (float)e->spec.initial;
    }
}

gr_status gr_store_seal(gr_store *s)
{
    if (s->blocks) return GR_OK;
    gr_status st = GR_OK;
    bool *placed = gr__alloc(s->ctx, s->n);
    s->blocks = gr__alloc(s->ctx, (s->n + 1) * sizeof *s->blocks);
    GR_TRY(placed && s->blocks ? GR_OK : gr__error_code(s->ctx));
    s->blocks[0].bytes = s->parameter_bytes;
    s->n_blocks = 1;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->entries[i].spec.slot || placed[i]) continue;
        block *b = &s->blocks[s->n_blocks++];
        b->suffix = suffix_of(s->entries[i].spec.name);
        lay_out_slots(s, b, placed);
    }
    for (size_t i = 0; i < s->n_blocks; i++) {
        s->blocks[i].data = gr__tensor_alloc(s->ctx, s->blocks[i].bytes);
        GR_TRY(s->blocks[i].data ? GR_OK : gr__error_code(s->ctx));
    }
    for (size_t i = 0; i < s->n; i++) {
        gr_entry *e = &s->entries[i];
        e->data = (char *)block_of(s, e)->data + e->offset;
        fill(s, e);
    }
done:
    gr__free(s->ctx, placed, s->n);
    if (st != GR_OK && s->blocks) release_blocks(s);
    return st;
}

void gr__store_get(const gr_store *s, const gr_entry *e, int64_t first, int64_t n, double *values)
{
    assert(e->data && "the store is not sealed");
    if (element_bytes(s, &e->spec) == sizeof(double)) {
        memcpy(values, (const double *)e->data + first, (size_t)n * sizeof *values);
        return;
    }
    const uint8_t *codes = (const uint8_t *)e->data + first;
    if (e->spec.role == GR_ROLE_CODES) {
        for (int64_t i = 0; i < n; i++) values[i] = codes[i];
        return;
    }
    const float *f = (const float *)e->data + first;
    for (int64_t i = 0; i < n; i++) values[i] = (double)f[i];
}

void gr__store_put(gr_store *s, const gr_entry *e, int64_t first, int64_t stride, int64_t n, const double *values)
{
    assert(e->data && "the store is not sealed");
    uint8_t *codes = (uint8_t *)e->data + first;
    if (e->spec.role == GR_ROLE_CODES) {
        for (int64_t i = 0; i < n; i++) codes[i * stride] = (uint8_t)values[i];
        return;
    }
    bool wide = element_bytes(s, &e->spec) == sizeof(double);
    double *d = (double *)e->data + (wide ? first : 0);
    float *f = (float *)e->data + (wide ? 0 : first);
    for (int64_t i = 0; i < n; i++) {
        if (wide)
            d[i * stride] = values[i];
        else
            f[i * stride] = (float)values[i];
    }
}

void gr_store_read(const gr_store *s, const gr_entry *e, double *values)
{
    gr__store_get(s, e, 0, e->count, values);
}

void gr_store_write(gr_store *s, const gr_entry *e, const double *values)
{
    gr__store_put(s, e, 0, 1, e->count, values);
}
