/* The loader: what it takes, and its making.
 *
 * All memory but a reader's scratch is counted, and taken at creation. */
#include <string.h>

#include "data/loader.h"

enum { GRANULE = 64, MOST_WORKERS = 256 };

/* ---- sizes ---- */

static int64_t full_batch(const gr_loader_options *o)
{
    return GR_MAX(GR_MIN(o->batch, o->rows->n), 1);
}

int64_t gr__loader_batches(const gr_loader_options *o)
{
    int64_t n = o->rows->n, batch = full_batch(o);
    return o->drop_last ? n / batch : (n + batch - 1) / batch;
}

static size_t granules(size_t bytes)
{
    return (bytes + GRANULE - 1) / GRANULE * GRANULE;
}

/* As what a field is delivered. */
static gr_element delivered_as(const gr_loader_options *o, int i)
{
    if (i < o->set->n_inputs) return o->input[i].as;
    const gr_field *f = &o->set->field[i];
    return f->kind == GR_TARGET_CLASS || f->role == GR_FIELD_LENGTH ? GR_EL_I32 : o->real;
}

/* How many numbers of a sample it has then. */
static int64_t delivered_numbers(const gr_loader_options *o, int i)
{
    int64_t all = gr_shape_count(o->set->field[i].sample);
    return i < o->set->n_inputs ? gr__delivery_width(&o->input[i], all) : all;
}

static size_t slot_field(const gr_loader_options *o, int i)
{
    int64_t values = full_batch(o) * delivered_numbers(o, i);
    return granules((size_t)values * gr__element_bytes(delivered_as(o, i)));
}

/* Samples that come one by one: from a reader, or to be changed. */
static bool is_heavy(const gr_loader_options *o)
{
    bool heavy = false;
    for (int i = 0; i < o->set->n_inputs; i++) heavy |= gr__field_is_read(&o->set->field[i]) || o->augment[i];
    return heavy;
}

static bool has_copies(const gr_loader_options *o)
{
    return o->copies > 1 || (o->distinct && is_heavy(o));
}

static int worker_count(const gr_loader_options *o)
{
    return is_heavy(o) ? GR_MAX(GR_MIN(o->workers, MOST_WORKERS), 1) : 1;
}

static size_t list_bytes(const gr_loader_options *o)
{
    return granules((size_t)full_batch(o) * sizeof(uint32_t));
}

/* Which rows, and which copy of each. */
static size_t slot_rows(const gr_loader_options *o)
{
    return (has_copies(o) ? 2 : 1) * list_bytes(o);
}

static size_t slot_bytes(const gr_loader_options *o)
{
    size_t bytes = slot_rows(o);
    for (int i = 0; i < gr__set_fields(o->set); i++) bytes += slot_field(o, i);
    return bytes;
}

static size_t order_bytes(const gr_loader_options *o)
{
    return o->shuffle == GR_SHUFFLE_NONE && !o->buckets ? 0 : granules((size_t)o->rows->n * sizeof(uint32_t));
}

static size_t sequence_bytes(const gr_loader_options *o)
{
    return granules((size_t)gr__loader_batches(o) * sizeof(uint32_t));
}

static size_t bucket_bytes(const gr_loader_options *o)
{
    return o->buckets ? order_bytes(o) + sequence_bytes(o) + granules((size_t)gr__loader_batches(o)) : 0;
}

uint64_t gr__loader_bytes(const gr_loader_options *o)
{
    uint64_t workers = is_heavy(o) ? (uint64_t)worker_count(o) * gr__room_bytes(o) : 0;
    return (uint64_t)(o->background ? 2 : 1) * slot_bytes(o) + order_bytes(o) + bucket_bytes(o) + workers;
}

/* ---- making ---- */

static bool is_real(gr_element e)
{
    return e == GR_EL_F32 || e == GR_EL_F64;
}

static gr_status check(gr_context *ctx, const gr_loader_options *o)
{
    for (int i = 0; i < gr__set_fields(o->set); i++) {
        gr_element is = o->set->field[i].element, as = delivered_as(o, i);
        bool input = i < o->set->n_inputs, lossy = (is_real(is) && !is_real(as)) || (is == GR_EL_I32 && as == GR_EL_U8);
        if (input && lossy)
            return gr__fail(ctx, GR_E_UNSUPPORTED, "the inputs of \"%s\" cannot be delivered as that type",
                            o->set->file ? o->set->file : "");
        if (!input && is_real(is) && !is_real(as))
            return gr__fail(ctx, GR_E_UNSUPPORTED, "targets that are values cannot be delivered as classes");
    }
    if (o->batch < 1) return gr__fail(ctx, GR_E_RANGE, "a batch has at least one row, not %lld", (long long)o->batch);
    if (gr__loader_batches(o) < 1)
        return gr__fail(ctx, GR_E_DATA, "%lld rows give no batch of %lld%s", (long long)o->rows->n,
                        (long long)full_batch(o), o->drop_last ? " when the short last one is dropped" : "");
    return GR_OK;
}

static gr_status make_workers(gr_loader *l, char *block)
{
    gr_status st = GR_OK;
    l->worker = gr__alloc(l->ctx, sizeof *l->worker * (size_t)l->n_workers);
    if (!l->worker) return GR_E_MEMORY;
    for (int i = 0; i < l->n_workers && st == GR_OK; i++, block += gr__room_bytes(&l->o))
        st = gr__room_open(l->ctx, &l->o, block, &l->worker[i]);
    return st;
}

static gr_status take_memory(gr_loader *l)
{
    gr_context *ctx = l->ctx;
    l->block_bytes = (size_t)gr__loader_bytes(&l->o);
    l->block = gr__tensor_alloc(ctx, l->block_bytes);
    if (!l->block) return gr__error_code(ctx);
    char *at = l->block;
    for (int i = 0; i < l->n_slots; i++) {
        for (int f = 0; f < l->n_fields; at += slot_field(&l->o, f++)) l->slot[i].field[l->way[f].place] = at;
        l->slot[i].row = (uint32_t *)(void *)at;
        if (has_copies(&l->o)) l->slot[i].draw = (uint32_t *)(void *)(at + list_bytes(&l->o));
        at += slot_rows(&l->o);
    }
    if (order_bytes(&l->o)) l->order = (uint32_t *)(void *)at;
    at += order_bytes(&l->o);
    if (l->o.buckets) {
        l->room.row = (uint32_t *)(void *)at;
        l->room.sequence = (uint32_t *)(void *)(at + order_bytes(&l->o));
        l->room.bucket = (uint8_t *)(at + order_bytes(&l->o) + sequence_bytes(&l->o));
        at += bucket_bytes(&l->o);
    }
    return l->heavy ? make_workers(l, at) : GR_OK;
}

/* An input, and its lengths where it has some. */
static void find_way(gr_loader *l, int i)
{
    const gr_set *set = l->o.set;
    const gr_field *f = &set->field[i], *length = i < set->n_inputs ? gr__set_length(set, i) : NULL;
    const gr_buckets *b = l->o.buckets;
    gr__way *w = &l->way[i];
    *w = (gr__way){.field = f,
                   .as = delivered_as(&l->o, i),
                   .apart = delivered_numbers(&l->o, i),
                   .place = gr__set_place(set, i),
                   .made = set->made,
                   .length = length ? gr__set_place(set, (int)(length - set->field)) : -1};
    bool cut = b && ((f->role == GR_FIELD_INPUT && i == b->input) ||
                     (f->role == GR_FIELD_TARGET && b->targets >> (i - set->n_inputs) & 1));
    if (cut) w->whole = b->steps[b->n - 1];
    if (f->role != GR_FIELD_INPUT) return;
    w->augment = l->o.augment[i];
    w->delivery = &l->o.input[i];
    w->read = f->reader != NULL || w->augment != NULL;
    l->input_bytes += (size_t)w->apart * gr__element_bytes(w->as);
    for (int k = 0; k < l->n_fields && w->augment; k++)
        if (&set->field[k] == length) l->way[k].told = true;
}

gr_status gr__loader_create(gr_context *ctx, const gr_loader_options *o, gr_loader **out)
{
    gr_status st = check(ctx, o);
    if (st != GR_OK) return st;
    gr_loader *l = gr__alloc(ctx, sizeof *l);
    if (!l) return GR_E_MEMORY;
    *l = (gr_loader){.ctx = ctx,
                     .o = *o,
                     .rows = *o->rows,
                     .batch = full_batch(o),
                     .batches = gr__loader_batches(o),
                     .order_epoch = -1,
                     .n_slots = o->background ? 2 : 1,
                     .heavy = is_heavy(o),
                     .n_workers = worker_count(o),
                     .n_fields = gr__set_fields(o->set)};
    l->o.rows = &l->rows;
    for (int i = l->n_fields - 1; i >= 0; i--) find_way(l, i); /* lengths before the inputs that they are of */
    st = take_memory(l);
    if (st == GR_OK && o->background)
        st = gr__loader_start(l);
    else if (st == GR_OK && gr_context_threads(ctx) > 1 && !(l->pool = gr__context_pool(ctx)))
        st = gr__error_code(ctx);
    /* Each of the pool's threads needs a room of its own. */
    if (l->pool && l->heavy && l->n_workers < gr__pool_threads(l->pool)) l->pool = NULL;
    if (st == GR_OK)
        *out = l;
    else
        gr__loader_destroy(l);
    return st;
}

void gr__loader_destroy(gr_loader *l)
{
    if (!l) return;
    gr__loader_stop(l);
    for (int i = 0; i < l->n_workers && l->worker; i++) gr__room_close(&l->worker[i]);
    if (l->worker) gr__free(l->ctx, l->worker, sizeof *l->worker * (size_t)l->n_workers);
    gr__tensor_free(l->ctx, l->block, l->block_bytes);
    gr__free(l->ctx, l, sizeof *l);
}
