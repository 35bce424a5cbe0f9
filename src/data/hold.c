/* Holding: what readers give, read once into memory where it fits what may be held.
 *
 * All workers read, each sample to its own place, so nothing depends on how many there are. The first sample that
 * cannot be read is the one that is told, whoever comes upon which first. */
#include <stdio.h>

#include "base/file.h"
#include "base/pool.h"
#include "data/sample.h"

enum { SHARDS_A_WORKER = 16 };
#define READERS_HOLD                                                                                \
    ((uint64_t)1 << 30) /* where nothing is said: beyond, decoding again costs less than the memory \
                         */

uint64_t gr__hold_limit(const gr_source_options *o, bool reads)
{
    return o->hold ? o->hold : reads ? READERS_HOLD : UINT64_MAX;
}

typedef struct worker {
    gr_context *errors; /* of its own: readers report there */
    gr__samples from;
    int64_t failed; /* the first row that it could not read; -1: none */
} worker;

typedef struct holding {
    gr_field *x;
    gr_faults *faults;
    const uint8_t
        *out; /* rows that are not read, as something is wrong with them already; NULL: none of these is known */
    int64_t n;
    int shards, workers;
    worker *worker;
} holding;

static void hold_shard(void *arg, int shard, int at)
{
    const holding *h = arg;
    worker *w = &h->worker[at];
    size_t sample = gr__sample_bytes(h->x);
    int64_t end = h->n * (shard + 1) / h->shards;
    for (int64_t i = h->n * shard / h->shards; i < end; i++) {
        if (w->failed >= 0) return; /* shards are handed out in order: all before it are others' */
        const gr_reader *r = h->x->reader;
        char *to = (char *)h->x->data + (size_t)i * sample;
        if (h->out ? h->out[i] : gr__row_is_out(h->faults, i)) continue; /* it stays 0 */
        gr_status st = r->read(w->errors, r, i, w->from.room + w->from.sample_bytes, to);
        if (st == GR_OK || gr__fault_let(h->faults, gr__fault_of(st), i, w->errors)) continue;
        w->failed = i;
        return;
    }
}

/* Of all that failed, the first row's error becomes that of the context. */
static gr_status conclude(gr_context *ctx, holding *h)
{
    const worker *first = NULL;
    for (int i = 0; i < h->workers; i++) {
        const worker *w = &h->worker[i];
        if (w->failed >= 0 && (!first || w->failed < first->failed)) first = w;
    }
    return first ? gr__error_take(ctx, first->errors) : GR_OK;
}

static gr_status hold_field(gr_context *ctx, gr_field *x, int64_t n, gr_faults *faults)
{
    gr__pool *pool = gr__context_pool(ctx);
    if (!pool) return gr__error_code(ctx);
    int workers = gr__pool_threads(pool);
    worker *all = gr__alloc(ctx, sizeof *all * (size_t)workers);
    gr_status st = all ? GR_OK : GR_E_MEMORY;
    uint8_t *out = NULL;
    if (st == GR_OK && faults && faults->note) st = gr__faults_mark(ctx, faults, n, &out);
    holding h = {x, faults, out, n, (int)GR_MIN(n, (int64_t)workers * SHARDS_A_WORKER), workers, all};
    x->bytes = (uint64_t)n * gr__sample_bytes(x);
    for (int i = 0; i < workers && st == GR_OK; i++) {
        all[i].failed = -1;
        st = gr_context_create(&(gr_context_options){.threads = 1}, &all[i].errors);
        if (st == GR_OK) st = gr__samples_open(ctx, x, &all[i].from);
    }
    if (st == GR_OK && !(x->data = gr__tensor_alloc(ctx, (size_t)x->bytes))) st = gr__error_code(ctx);
    if (st == GR_OK) gr__pool_run(pool, hold_shard, &h, h.shards);
    if (st == GR_OK) st = conclude(ctx, &h);
    for (int i = 0; i < workers && all; i++) {
        gr__samples_close(&all[i].from);
        gr_context_destroy(all[i].errors);
    }
    gr__free(ctx, all, sizeof *all * (size_t)workers);
    if (out) gr__tensor_free(ctx, out, (size_t)n);
    if (st != GR_OK) {
        gr__tensor_free(ctx, x->data, (size_t)x->bytes);
        x->data = NULL;
        return st;
    }
    x->reader->close(ctx, x->reader);
    x->reader = NULL;
    return GR_OK;
}

static uint64_t wanted(const gr_set *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < gr__set_fields(s); i++)
        if (s->field[i].reader) bytes += (uint64_t)s->n * gr__sample_bytes(&s->field[i]);
    return bytes;
}

gr_status gr__set_hold(gr_context *ctx, gr_set *s, uint64_t most, gr_faults *faults)
{
    bool held = wanted(s) <= most;
    gr_status st = GR_OK;
    for (int i = 0; i < gr__set_fields(s) && st == GR_OK; i++) {
        gr_field *x = &s->field[i];
        if (x->reader && held) st = hold_field(ctx, x, s->n, faults);
        if (x->reader) x->bytes = 0;
    }
    return st;
}
