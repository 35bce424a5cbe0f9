/* Loaders of a task: how large batches are, how they are gathered, how many make a run. */
#include <string.h>

#include "base/pool.h"
#include "train/train.h"

/* Below these a batch is gathered by the training thread: waking another costs more than what it hides, and where every
 * processor has a worker already, a third thread competes with them: 784 floats, batch 64, two threads of two
 * processors, alternating: 204 us a step without it, 215 with. */
enum { SMALL_BATCH_BYTES = 128 << 10, BUSY_BATCH_BYTES = 1 << 20 };

/* Samples of an epoch. */
static int64_t items(const gr_task *t)
{
    return GR_MAX(t->training.n, t->count[GR_PART_TRAIN]);
}

int64_t gr__task_batch(const gr_task *t)
{
    int64_t n = items(t), b = t->recipe->data.batch;
    return b == 0 ? GR_MAX(n, 1) : n > 0 ? GR_MIN(b, n) : b;
}

gr_shape gr__task_sample(const gr_task *t, int input)
{
    gr_shape sample = t->recipe->input[input].sample;
    const gr_meaning *m = &t->meaning;
    return t->delivery[input].n_prepared ? sample : gr__prepare_takes(m->prepared[input], m->n_prepared[input], sample);
}

/* Evaluation has a batch that depends on the recipe alone, so that `eval` of a saved model gives the bits that training
 * saw. */
int64_t gr__task_evaluation_batch(const gr_task *t)
{
    return t->recipe->data.batch ? t->recipe->data.batch : 256;
}

gr_loader_options gr__task_loader(const gr_task *t, gr_part p, bool background)
{
    const gr_recipe *r = t->recipe;
    bool train = p == GR_PART_TRAIN;
    int64_t batch = train ? gr__task_batch(t) : gr__task_evaluation_batch(t);
    gr_loader_options o = {.set = t->set_of[p],
                           .rows = train ? gr__task_trained(t) : &t->rows[p],
                           .batch = batch,
                           .drop_last = train && r->data.drop_last,
                           .shuffle = train ? (gr_shuffle)r->data.shuffle : GR_SHUFFLE_NONE,
                           .seed = r->seed,
                           .real = gr__task_real(t)};
    memcpy(o.input, t->delivery, sizeof o.input);
    gr__task_workers(t, background, &o);
    return o;
}

void gr__task_workers(const gr_task *t, bool background, gr_loader_options *o)
{
    const gr_recipe *r = t->recipe;
    int64_t limit = gr_context_threads(t->ctx) < gr__processors() ? SMALL_BATCH_BYTES : BUSY_BATCH_BYTES, bytes = 0;
    bool heavy = false;
    for (int i = 0; i < r->n_inputs; i++) {
        bytes += gr_shape_count(gr__task_sample(t, i)) * (int64_t)gr__element_bytes(t->delivery[i].as);
        heavy = heavy || o->augment[i] || gr__field_is_read(gr__set_input(o->set, i));
    }
    o->background = background && (heavy || o->batch * bytes >= limit);
    o->workers = o->background && r->data.workers ? r->data.workers : gr_context_threads(t->ctx);
}

gr_extent gr__task_extent(const gr_task *t)
{
    int64_t n = items(t), batch = gr__task_batch(t);
    const gr_stop_rules *s = &t->recipe->stop;
    gr_extent e = {.batches = t->recipe->data.drop_last ? n / batch : (n + batch - 1) / batch};
    e.updates_per_epoch = (e.batches + t->recipe->accumulate - 1) / t->recipe->accumulate;
    int64_t by_epochs = s->epochs * e.updates_per_epoch;
    if (s->at_start && !by_epochs) by_epochs = 1; /* schedules have a length to count by */
    e.total = s->steps && by_epochs ? GR_MIN(s->steps, by_epochs) : s->steps ? s->steps : by_epochs;
    return e;
}

gr_loader_options gr__task_training_loader(const gr_task *t, bool background)
{
    gr_loader_options o = gr__task_loader(t, GR_PART_TRAIN, background);
    o.rows = &t->training;
    o.copies = t->recipe->data.copies;
    o.distinct = t->balanced ? t->kept : 0;
    memcpy(o.augment, t->changes, sizeof o.augment);
    o.buckets = t->buckets.n ? &t->buckets : NULL;
    gr__task_workers(t, background, &o);
    return o;
}
