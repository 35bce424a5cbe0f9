/* The loader at work: slots begun, gathered and given.
 *
 * What a batch holds depends on (seed, epoch, index) alone, never on timing. Two slots: one is lent to the caller while
 * the other is filled. A slot is begun (its rows are worked out), cut into shards, and full when all of them are
 * gathered, by whichever thread: those of the loader, or of the context's pool. */
#include <signal.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "data/loader.h"

enum {
    SHARED_BYTES = 64 << 10, /* batches from this size on are gathered by all workers, in so many parts: */
    MOST_SHARDS = 16
};

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
static int64_t steps_at(const gr_loader *l, gr__position at)
{
    const gr_buckets *b = l->o.buckets;
    int k = b ? l->room.bucket[at.index] : 0;
    return b && k + 1 < b->n ? b->steps[k] : 0;
}

static int64_t rows_at(const gr_loader *l, gr__position at)
{
    return GR_MIN(l->batch, l->rows.n - at.index * l->batch);
}

/* What changes of an item are keyed by beside its row: the epoch, or which copy of a materialised list it is; rows that
 * balancing has repeated are changed each in another way. */
static uint32_t draw_of(const gr_loader *l, int64_t item, int64_t epoch)
{
    int64_t copies = GR_MAX(l->o.copies, 1), of_a_copy = l->rows.n / copies, copy = item / of_a_copy;
    int64_t again = l->o.distinct ? GR_MAX(item % of_a_copy - l->o.distinct + 1, 0) : 0;
    if (copies > 1 && copy == 0) return GR__UNCHANGED;
    uint32_t draw = (uint32_t)(copies > 1 ? copy : epoch) + (uint32_t)again * 0x9e3779b1u;
    return draw == GR__UNCHANGED ? 0 : draw;
}

/* Works out which rows a slot gets; nobody else begins one meanwhile. */
static void begin(gr_loader *l, gr__slot *s, gr__position at)
{
    int64_t n = rows_at(l, at), first = at.index * l->batch;
    order_for(l, at.epoch);
    for (int64_t i = 0; i < n; i++) {
        uint32_t item = l->order ? l->order[first + i] : (uint32_t)(first + i);
        s->row[i] = l->rows.row[item];
        if (s->draw) s->draw[i] = draw_of(l, item, at.epoch);
    }
    s->batch = (gr_batch){.n = n,
                          .epoch = at.epoch,
                          .index = at.index,
                          .last = at.index + 1 == l->batches,
                          .steps = steps_at(l, at),
                          .row = s->row};
    for (int f = 0; f < l->n_fields; f++) s->batch.field[l->way[f].place] = s->field[l->way[f].place];
}

/* As many parts as keep all workers busy to the end; samples that are read differ in what they cost. */
static int shards_of(const gr_loader *l, const gr__slot *s, bool several)
{
    if (l->heavy) return (int)GR_MIN(s->batch.n, (int64_t)l->n_workers * MOST_SHARDS);
    return several && (size_t)s->batch.n * l->input_bytes >= SHARED_BYTES ? (int)GR_MIN(s->batch.n, MOST_SHARDS) : 1;
}

typedef struct filling {
    const gr_loader *l;
    const gr__slot *to;
    int shards;
} filling;

static void fill_shard(void *arg, int shard, int worker)
{
    const filling *f = arg;
    const gr_loader *l = f->l;
    const gr__slot *s = f->to;
    int64_t first = s->batch.n * shard / f->shards, end = s->batch.n * (shard + 1) / f->shards;
    gr__gathering g = {.way = l->way,
                       .n_ways = l->n_fields,
                       .field = s->field,
                       .row = s->row,
                       .draw = s->draw,
                       .epoch = (uint32_t)s->batch.epoch,
                       .steps = s->batch.steps};
    gr__room none = {0};
    gr__gather(&g, l->heavy ? &l->worker[worker] : &none, first, end - first);
}

/* What some worker could not read, as the context's error. Whoever is at work has the worker; see there when it is not.
 */
static void look_for_failure(gr_loader *l, int worker)
{
    if (l->heavy && !l->failed && l->worker[worker].status != GR_OK) l->failed = &l->worker[worker];
}

static gr_status failure(gr_loader *l)
{
    return l->failed ? gr__error_take(l->ctx, l->failed->errors) : GR_OK;
}

/* Without threads of its own the workers of the context gather, each some rows. */
static gr_status fill(gr_loader *l, gr__slot *s, gr__position at)
{
    gr__fp_state saved = gr__fp_enter(); /* so that conversion flushes the same on any thread */
    begin(l, s, at);
    filling f = {l, s, l->pool ? shards_of(l, s, true) : 1};
    if (l->pool && f.shards > 1)
        gr__pool_run(l->pool, fill_shard, &f, f.shards);
    else
        fill_shard(&(filling){l, s, 1}, 0, 0);
    gr__fp_leave(saved);
    for (int i = 0; i < l->n_workers; i++) look_for_failure(l, i);
    return failure(l);
}

static gr__position after(const gr_loader *l, gr__position p)
{
    return p.index + 1 < l->batches ? (gr__position){p.epoch, p.index + 1} : (gr__position){p.epoch + 1, 0};
}

/* Under the lock, as all that follows: the next slot is begun, which is left for it. */
static void begin_next(gr_loader *l)
{
    gr__slot *s = &l->slot[l->fill];
    gr__position at = l->next;
    s->state = GR__SLOT_BEGUN;
    s->shards = s->taken = s->done = 0;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    begin(l, s, at);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    s->shards = shards_of(l, s, l->pool != NULL);
    l->next = after(l, at);
    pthread_cond_broadcast(&l->changed);
}

static void take_shard(gr_loader *l, int worker)
{
    gr__slot *s = &l->slot[l->fill];
    int shard = s->taken++;
    if (s->taken == s->shards) l->fill = 1 - l->fill;
    l->busy++;
    pthread_mutex_unlock(&l->lock);
    fill_shard(&(filling){l, s, s->shards}, shard, worker);
    pthread_mutex_lock(&l->lock);
    l->busy--;
    look_for_failure(l, worker);
    if (++s->done == s->shards)
        s->state = GR__SLOT_FULL; /* gr__loader_seek waits for all to be done, then empties it */
    pthread_cond_broadcast(&l->changed);
}

static void *run(void *arg)
{
    gr_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    int worker = l->seats++;
    gr__fp_enter();
    while (!l->stop) {
        const gr__slot *s = &l->slot[l->fill];
        if (!l->held && s->state == GR__SLOT_EMPTY)
            begin_next(l);
        else if (!l->held && s->state == GR__SLOT_BEGUN && s->taken < s->shards)
            take_shard(l, worker);
        else
            pthread_cond_wait(&l->changed, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- threads ---- */

int gr__loader_threads(const gr_loader *l)
{
    return l->heavy ? l->n_workers : 1;
}

/* They take no signals: these belong to the program. */
gr_status gr__loader_start(gr_loader *l)
{
    sigset_t all, before;
    int wanted = gr__loader_threads(l), failed = 0;
    l->thread = gr__alloc(l->ctx, sizeof *l->thread * (size_t)wanted);
    if (!l->thread) return GR_E_MEMORY;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; l->n_threads < wanted && !failed; l->n_threads += !failed)
        failed = pthread_create(&l->thread[l->n_threads], NULL, run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) return GR_OK;
    char reason[128];
    return gr__fail(l->ctx, GR_E_MEMORY, "no thread for loading: %s", gr__errno_text(failed, reason, sizeof reason));
}

void gr__loader_stop(gr_loader *l)
{
    if (!l->thread) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++) pthread_join(l->thread[i], NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    gr__free(l->ctx, l->thread, sizeof *l->thread * (size_t)gr__loader_threads(l));
}

/* ---- taking ---- */

int64_t gr__loader_peek(gr_loader *l, int64_t *steps)
{
    *steps = 0;
    if (l->n_threads) return 0;
    if (l->o.buckets) order_for(l, l->next.epoch);
    *steps = steps_at(l, l->next);
    return rows_at(l, l->next);
}

int64_t gr__loader_entry(const gr_loader *l, const gr_batch *b, int64_t i)
{
    int64_t at = b->index * l->batch + i;
    return l->order ? (int64_t)l->order[at] : at;
}

gr_status gr__loader_next_into(gr_loader *l, void *const field[GR_MAX_FIELDS], gr_batch *out)
{
    gr__slot *there = &l->elsewhere;
    memcpy(there->field, field, sizeof there->field);
    there->row = l->slot[0].row;
    there->draw = l->slot[0].draw;
    gr_status st = fill(l, there, l->next);
    if (st != GR_OK) return st;
    l->next = after(l, l->next);
    *out = there->batch;
    return GR_OK;
}

gr_status gr__loader_next(gr_loader *l, gr_batch *out)
{
    if (!l->n_threads) {
        gr_status st = fill(l, &l->slot[0], l->next);
        if (st != GR_OK) return st;
        l->next = after(l, l->next);
        *out = l->slot[0].batch;
        return GR_OK;
    }
    pthread_mutex_lock(&l->lock);
    gr__slot *lent = &l->slot[1 - l->take], *s = &l->slot[l->take];
    if (lent->state == GR__SLOT_LENT) {
        lent->state = GR__SLOT_EMPTY;
        pthread_cond_broadcast(&l->changed);
    }
    while (s->state != GR__SLOT_FULL) pthread_cond_wait(&l->changed, &l->lock);
    s->state = GR__SLOT_LENT;
    l->take = 1 - l->take;
    *out = s->batch;
    gr_status st = failure(l);
    pthread_mutex_unlock(&l->lock);
    return st;
}

void gr__loader_seek(gr_loader *l, int64_t epoch, int64_t index)
{
    gr__position to = {epoch + index / l->batches, index % l->batches};
    if (!l->n_threads) {
        l->next = to;
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->held = true;
    while (l->busy) pthread_cond_wait(&l->changed, &l->lock);
    l->held = false;
    for (int i = 0; i < 2; i++) l->slot[i].state = GR__SLOT_EMPTY;
    l->next = to;
    l->fill = l->take = 0;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}
