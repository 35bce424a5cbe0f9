/* The loader: batches in order of a seeded permutation, gathered one ahead on a thread of its own.
 *
 * What a batch holds depends on (seed, epoch, index) alone, never on timing: the thread fills slots in order and the
 * caller takes them in order. Two slots: one is lent to the caller while the other is filled. All memory is taken at
 * creation. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/pool.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/buckets.h"

#define GRANULE 64
enum {
    SHARED_BYTES = 64 << 10,
    MOST_SHARDS = 16
}; /* batches from this size on are gathered by all workers, in so many parts */

typedef enum slot_state { SLOT_EMPTY, SLOT_FULL, SLOT_LENT } slot_state;

typedef struct slot {
    slot_state state; /* under the lock where there is a thread */
    gr_batch batch;
    void *field[GR_MAX_FIELDS]; /* by place; NULL: not gathered */
    uint32_t *row;
} slot;

/* How a field comes from the set to a batch. */
typedef struct way {
    const char *from;
    gr_element is, as;
    int64_t apart; /* numbers of a sample: of an input as delivered, of others in the set */
    bool cut;      /* to the steps of a bucket */
    int place;     /* in a batch */
} way;

typedef struct position {
    int64_t epoch, index;
} position;

struct gr_loader {
    gr_context *ctx;
    gr_loader_options o;
    gr_rows rows;           /* a copy of where they stand; the numbers are the caller's */
    int64_t batch, batches; /* rows in a full one; batches in an epoch */
    way way[GR_MAX_FIELDS]; /* of the set, in its order */
    int n_inputs, n_fields;
    size_t input_bytes; /* of one sample as delivered, all inputs */

    uint32_t *order; /* permutation of 0..rows-1, of the epoch that is being filled; NULL: rows as they come */
    gr__bucket_room room;
    int64_t order_epoch; /* -1: not made yet; whoever fills owns all three */

    char *block; /* tensor memory of all slots, then of the order */
    size_t block_bytes;
    slot slot[2], elsewhere; /* elsewhere: not the loader's own memory */
    int n_slots, take;       /* take: the slot the caller gets next */

    gr__pool *pool; /* NULL: whoever fills does it alone */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a slot was filled or given back, the position was set, the end is near */
    position next;          /* of the next batch to fill */
    int fill;               /* the slot it goes to */
    bool filling, stop;
};

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

static size_t slot_rows(const gr_loader_options *o)
{
    return granules((size_t)full_batch(o) * sizeof(uint32_t));
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
    return (uint64_t)(o->background ? 2 : 1) * slot_bytes(o) + order_bytes(o) + bucket_bytes(o);
}

/* ---- filling ---- */

static void order_for(gr_loader *l, int64_t epoch)
{
    if (!l->order) return;
    int64_t key = l->o.shuffle == GR_SHUFFLE_ONCE ? 0 : epoch;
    if (l->order_epoch == key) return;
    bool shuffle = l->o.shuffle != GR_SHUFFLE_NONE;
    if (shuffle) {
        gr__rng r = gr__rng_make(l->o.seed, "shuffle", (uint32_t)key, (uint32_t)((uint64_t)key >> 32));
        gr__rng_permutation(&r, l->order, (size_t)l->rows.n);
    } else {
        for (int64_t i = 0; i < l->rows.n; i++) l->order[i] = (uint32_t)i;
    }
    if (l->o.buckets)
        gr__buckets_order(l->o.buckets, gr__set_input(l->o.set, l->o.buckets->input), &l->rows, l->batch, shuffle,
                          l->o.seed, key, &l->room, l->order);
    l->order_epoch = key;
}

/* Steps of a batch of the epoch that the order is of; 0: all. */
static int64_t steps_at(const gr_loader *l, position at)
{
    const gr_buckets *b = l->o.buckets;
    int k = b ? l->room.bucket[at.index] : 0;
    return b && k + 1 < b->n ? b->steps[k] : 0;
}

static int64_t rows_at(const gr_loader *l, position at)
{
    return GR_MIN(l->batch, l->rows.n - at.index * l->batch);
}

typedef struct gathering {
    const gr_loader *l;
    const slot *to;
    int64_t first, n; /* rows of the epoch's order */
    int64_t steps;    /* of fields that are cut; 0: all */
    int shards;
} gathering;

/* Of one field, n rows; `first` of the shard's begins at `to`. */
static void gather_field(const gathering *g, int field, const uint32_t *row, int64_t first, int64_t n)
{
    const gr_loader *l = g->l;
    const way *w = &l->way[field];
    const gr_buckets *b = l->o.buckets;
    int64_t width = w->cut && g->steps ? w->apart / b->steps[b->n - 1] * g->steps : w->apart;
    if (!g->to->field[w->place]) return;
    char *to = (char *)g->to->field[w->place] + (size_t)(first * width) * gr__element_bytes(w->as);
    if (field < l->n_inputs)
        gr__deliver_rows(&l->o.set->field[field], row, n, &l->o.input[field], width, to);
    else
        gr__rows_convert(w->is, w->as, w->from, w->apart, width, row, n, to);
}

static void gather(void *arg, int shard, int worker)
{
    const gathering *g = arg;
    const gr_loader *l = g->l;
    const uint32_t *order = l->order ? l->order + g->first : NULL;
    int64_t begin = g->n * shard / g->shards, n = g->n * (shard + 1) / g->shards - begin;
    uint32_t *row = g->to->row + begin;
    (void)worker;
    for (int64_t i = 0; i < n; i++) row[i] = l->rows.row[order ? order[begin + i] : (uint32_t)(g->first + begin + i)];
    for (int f = 0; f < l->n_fields; f++) gather_field(g, f, row, begin, n);
}

/* Without a thread of its own the workers of the context gather, each some rows. */
static void fill(gr_loader *l, slot *s, position at)
{
    int64_t n = rows_at(l, at);
    gathering g = {.l = l, .to = s, .first = at.index * l->batch, .n = n, .shards = 1};
    gr__fp_state saved = gr__fp_enter(); /* so that conversion flushes the same on any thread */
    order_for(l, at.epoch);
    g.steps = steps_at(l, at);
    if (l->pool && (size_t)n * l->input_bytes >= SHARED_BYTES) {
        g.shards = (int)GR_MIN(n, MOST_SHARDS);
        gr__pool_run(l->pool, gather, &g, g.shards);
    } else {
        gather(&g, 0, 0);
    }
    gr__fp_leave(saved);
    s->batch.n = n;
    s->batch.epoch = at.epoch;
    s->batch.index = at.index;
    s->batch.last = at.index + 1 == l->batches;
    s->batch.steps = g.steps;
    s->batch.row = s->row;
    for (int f = 0; f < l->n_fields; f++) s->batch.field[l->way[f].place] = s->field[l->way[f].place];
}

static position after(const gr_loader *l, position p)
{
    return p.index + 1 < l->batches ? (position){p.epoch, p.index + 1} : (position){p.epoch + 1, 0};
}

static void *run(void *arg)
{
    gr_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        slot *s = &l->slot[l->fill];
        if (s->state != SLOT_EMPTY) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        position at = l->next;
        l->filling = true;
        pthread_mutex_unlock(&l->lock);
        fill(l, s, at);
        pthread_mutex_lock(&l->lock);
        l->filling = false;
        s->state = SLOT_FULL; /* gr__loader_seek waits for the end of filling, then empties it */
        l->next = after(l, at);
        l->fill = 1 - l->fill;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
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
        at += slot_rows(&l->o);
    }
    if (order_bytes(&l->o)) l->order = (uint32_t *)(void *)at;
    if (!l->o.buckets) return GR_OK;
    l->room.row = (uint32_t *)(void *)(at += order_bytes(&l->o));
    l->room.sequence = (uint32_t *)(void *)(at += order_bytes(&l->o));
    l->room.bucket = (uint8_t *)(at + sequence_bytes(&l->o));
    return GR_OK;
}

/* The thread takes no signals: they belong to the program. */
static gr_status start_thread(gr_loader *l)
{
    sigset_t all, before;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&l->thread, NULL, run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    l->threaded = !failed;
    if (!failed) return GR_OK;
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    char reason[128];
    return gr__fail(l->ctx, GR_E_MEMORY, "no thread for loading: %s", gr__errno_text(failed, reason, sizeof reason));
}

static void find_ways(gr_loader *l)
{
    const gr_set *set = l->o.set;
    for (int i = 0; i < l->n_fields; i++) {
        const gr_field *f = &set->field[i];
        const gr_buckets *b = l->o.buckets;
        way *w = &l->way[i];
        *w = (way){f->data, f->element,           delivered_as(&l->o, i), delivered_numbers(&l->o, i),
                   false,   gr__set_place(set, i)};
        if (b && f->role == GR_FIELD_INPUT) w->cut = i == b->input;
        if (b && f->role == GR_FIELD_TARGET) w->cut = b->targets >> (i - l->n_inputs) & 1;
        if (i < l->n_inputs) l->input_bytes += (size_t)w->apart * gr__element_bytes(w->as);
    }
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
                     .n_inputs = o->set->n_inputs,
                     .n_fields = gr__set_fields(o->set)};
    l->o.rows = &l->rows;
    find_ways(l);
    st = take_memory(l);
    if (st == GR_OK && o->background)
        st = start_thread(l);
    else if (st == GR_OK && gr_context_threads(ctx) > 1 && !(l->pool = gr__context_pool(ctx)))
        st = gr__error_code(ctx);
    if (st == GR_OK)
        *out = l;
    else
        gr__loader_destroy(l);
    return st;
}

void gr__loader_destroy(gr_loader *l)
{
    if (!l) return;
    if (l->threaded) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
        pthread_cond_destroy(&l->changed);
        pthread_mutex_destroy(&l->lock);
    }
    gr__tensor_free(l->ctx, l->block, l->block_bytes);
    gr__free(l->ctx, l, sizeof *l);
}

/* ---- taking ---- */

int64_t gr__loader_peek(gr_loader *l, int64_t *steps)
{
    *steps = 0;
    if (l->threaded) return 0;
    if (l->o.buckets) order_for(l, l->next.epoch);
    *steps = steps_at(l, l->next);
    return rows_at(l, l->next);
}

gr_status gr__loader_next_into(gr_loader *l, void *const field[GR_MAX_FIELDS], gr_batch *out)
{
    slot *there = &l->elsewhere;
    memcpy(there->field, field, sizeof there->field);
    there->row = l->slot[0].row;
    fill(l, there, l->next);
    l->next = after(l, l->next);
    *out = there->batch;
    return GR_OK;
}

gr_status gr__loader_next(gr_loader *l, gr_batch *out)
{
    if (!l->threaded) {
        fill(l, &l->slot[0], l->next);
        l->next = after(l, l->next);
        *out = l->slot[0].batch;
        return GR_OK;
    }
    pthread_mutex_lock(&l->lock);
    slot *lent = &l->slot[1 - l->take], *s = &l->slot[l->take];
    if (lent->state == SLOT_LENT) {
        lent->state = SLOT_EMPTY;
        pthread_cond_broadcast(&l->changed);
    }
    while (s->state != SLOT_FULL) pthread_cond_wait(&l->changed, &l->lock);
    s->state = SLOT_LENT;
    l->take = 1 - l->take;
    *out = s->batch;
    pthread_mutex_unlock(&l->lock);
    return GR_OK;
}

void gr__loader_seek(gr_loader *l, int64_t epoch, int64_t index)
{
    position to = {epoch + index / l->batches, index % l->batches};
    if (!l->threaded) {
        l->next = to;
        return;
    }
    pthread_mutex_lock(&l->lock);
    while (l->filling) pthread_cond_wait(&l->changed, &l->lock);
    for (int i = 0; i < 2; i++) l->slot[i].state = SLOT_EMPTY;
    l->next = to;
    l->fill = l->take = 0;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}
