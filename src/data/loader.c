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
#include "data/data.h"

#define GRANULE 64
enum {
    SHARED_BYTES = 64 << 10,
    MOST_SHARDS = 16
}; /* batches from this size on are gathered by all workers, in so many parts */

typedef enum slot_state { SLOT_EMPTY, SLOT_FULL, SLOT_LENT } slot_state;

typedef struct slot {
    slot_state state; /* under the lock where there is a thread */
    gr_batch batch;
    char *inputs, *targets;
    uint32_t *row;
} slot;

typedef struct position {
    int64_t epoch, index;
} position;

struct gr_loader {
    gr_context *ctx;
    gr_loader_options o;
    gr_rows rows;                     /* a copy of where they stand; the numbers are the caller's */
    int64_t batch, batches;           /* rows in a full one; batches in an epoch */
    size_t input_bytes, target_bytes; /* of one sample as delivered */
    int64_t input_values, target_values;

    uint32_t *order;     /* permutation of 0..rows-1, of the epoch that is being filled; NULL without shuffling */
    int64_t order_epoch; /* -1: not made yet; whoever fills owns both */

    char *block; /* tensor memory of all slots, then of the order */
    size_t block_bytes;
    slot slot[2];
    int n_slots, take; /* take: the slot the caller gets next */

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

static size_t slot_inputs(const gr_loader_options *o)
{
    return granules((size_t)(full_batch(o) * gr_shape_count(o->set->sample)) * gr__element_bytes(o->input.as));
}

static size_t slot_targets(const gr_loader_options *o)
{
    if (o->set->target == GR_TARGET_NONE) return 0;
    return granules((size_t)(full_batch(o) * gr_shape_count(o->set->target_sample)) * gr__element_bytes(o->target_as));
}

static size_t slot_rows(const gr_loader_options *o)
{
    return granules((size_t)full_batch(o) * sizeof(uint32_t));
}

static size_t slot_bytes(const gr_loader_options *o)
{
    return slot_inputs(o) + slot_targets(o) + slot_rows(o);
}

static size_t order_bytes(const gr_loader_options *o)
{
    return o->shuffle == GR_SHUFFLE_NONE ? 0 : granules((size_t)o->rows->n * sizeof(uint32_t));
}

uint64_t gr__loader_bytes(const gr_loader_options *o)
{
    return (uint64_t)(o->background ? 2 : 1) * slot_bytes(o) + order_bytes(o);
}

/* ---- filling ---- */

static void order_for(gr_loader *l, int64_t epoch)
{
    if (!l->order) return;
    int64_t key = l->o.shuffle == GR_SHUFFLE_ONCE ? 0 : epoch;
    if (l->order_epoch == key) return;
    gr__rng r = gr__rng_make(l->o.seed, "shuffle", (uint32_t)key, (uint32_t)((uint64_t)key >> 32));
    gr__rng_permutation(&r, l->order, (size_t)l->rows.n);
    l->order_epoch = key;
}

static int64_t rows_at(const gr_loader *l, position at)
{
    return GR_MIN(l->batch, l->rows.n - at.index * l->batch);
}

/* Shuffled rows stand anywhere: the next one is asked for while this one is copied. */
static void prefetch(const char *p, size_t bytes)
{
    for (size_t i = 0; i < GR_MIN(bytes, 4096); i += 64) __builtin_prefetch(p + i);
}

typedef struct gathering {
    const gr_loader *l;
    const slot *to;
    int64_t first, n; /* rows of the epoch's order */
    int shards;
} gathering;

static uint32_t row_at(const gathering *g, int64_t i)
{
    const gr_loader *l = g->l;
    return l->rows.row[l->order ? l->order[g->first + i] : (uint32_t)(g->first + i)];
}

static void gather(void *arg, int shard, int worker)
{
    const gathering *g = arg;
    const gr_loader *l = g->l;
    const gr_set *set = l->o.set;
    size_t stride = (size_t)l->input_values * gr__element_bytes(set->element);
    gr_element target_as_is = gr__target_element(set);
    (void)worker;
    for (int64_t i = g->n * shard / g->shards, end = g->n * (shard + 1) / g->shards; i < end; i++) {
        uint32_t row = g->to->row[i] = row_at(g, i);
        if (i + 1 < end) prefetch((const char *)set->inputs + row_at(g, i + 1) * stride, stride);
        gr__deliver(set, row, &l->o.input, g->to->inputs + (size_t)i * l->input_bytes);
        if (g->to->targets)
            gr__elements_convert(target_as_is, l->o.target_as,
                                 (const char *)set->targets +
                                     (int64_t)row * l->target_values * (int64_t)gr__element_bytes(target_as_is),
                                 g->to->targets + (size_t)i * l->target_bytes, l->target_values);
    }
}

/* Without a thread of its own the workers of the context gather, each some rows. */
static void fill(gr_loader *l, slot *s, position at)
{
    int64_t n = rows_at(l, at);
    gathering g = {.l = l, .to = s, .first = at.index * l->batch, .n = n, .shards = 1};
    gr__fp_state saved = gr__fp_enter(); /* so that conversion flushes the same on any thread */
    order_for(l, at.epoch);
    if (l->pool && (size_t)n * l->input_bytes >= SHARED_BYTES) {
        g.shards = (int)GR_MIN(n, MOST_SHARDS);
        gr__pool_run(l->pool, gather, &g, g.shards);
    } else {
        gather(&g, 0, 0);
    }
    gr__fp_leave(saved);
    s->batch = (gr_batch){.n = n,
                          .epoch = at.epoch,
                          .index = at.index,
                          .last = at.index + 1 == l->batches,
                          .inputs = s->inputs,
                          .targets = s->targets,
                          .row = s->row};
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

static gr_status check(gr_context *ctx, const gr_loader_options *o)
{
    gr_element from = o->set->element;
    bool real = from == GR_EL_F32 || from == GR_EL_F64, to_real = o->input.as == GR_EL_F32 || o->input.as == GR_EL_F64;
    if ((real && !to_real) || (from == GR_EL_I32 && o->input.as == GR_EL_U8))
        return gr__fail(ctx, GR_E_UNSUPPORTED, "the inputs of \"%s\" cannot be delivered as that type",
                        o->set->file ? o->set->file : "");
    if (o->set->target == GR_TARGET_VALUE && o->target_as != GR_EL_F32 && o->target_as != GR_EL_F64)
        return gr__fail(ctx, GR_E_UNSUPPORTED, "targets that are values cannot be delivered as classes");
    if (o->batch < 1) return gr__fail(ctx, GR_E_RANGE, "a batch has at least one row, not %lld", (long long)o->batch);
    if (gr__loader_batches(o) < 1)
        return gr__fail(ctx, GR_E_DATA, "%lld rows give no batch of %lld%s", (long long)o->rows->n,
                        (long long)full_batch(o), o->drop_last ? " when the short last one is dropped" : "");
    return GR_OK;
}

static gr_status take_memory(gr_loader *l)
{
    gr_context *ctx = l->ctx;
    size_t inputs = slot_inputs(&l->o), targets = slot_targets(&l->o);
    l->block_bytes = (size_t)gr__loader_bytes(&l->o);
    l->block = gr__tensor_alloc(ctx, l->block_bytes);
    if (!l->block) return gr__error_code(ctx);
    char *at = l->block;
    for (int i = 0; i < l->n_slots; i++, at += slot_bytes(&l->o)) {
        l->slot[i].inputs = at;
        l->slot[i].targets = targets ? at + inputs : NULL;
        l->slot[i].row = (uint32_t *)(void *)(at + inputs + targets);
    }
    if (l->o.shuffle != GR_SHUFFLE_NONE) l->order = (uint32_t *)(void *)at;
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
                     .input_values = gr_shape_count(o->set->sample),
                     .target_values = gr_shape_count(o->set->target_sample)};
    l->o.rows = &l->rows;
    l->input_bytes = (size_t)l->input_values * gr__element_bytes(o->input.as);
    l->target_bytes = (size_t)l->target_values * gr__element_bytes(o->target_as);
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

int64_t gr__loader_peek(const gr_loader *l)
{
    return l->threaded ? 0 : rows_at(l, l->next);
}

gr_status gr__loader_next_into(gr_loader *l, void *inputs, void *targets, gr_batch *out)
{
    slot there = {.inputs = inputs, .targets = targets, .row = l->slot[0].row};
    fill(l, &there, l->next);
    l->next = after(l, l->next);
    *out = there.batch;
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
