/* Which samples of a part are looked at. */
#include <string.h>

#include "base/rng.h"
#include "data/numbers.h"
#include "study/data/delivered.h"

/* Rows to choose from, and their classes. */
typedef struct choice {
    const gr_set *set;
    const gr_field *class_; /* NULL: all are alike */
    const uint32_t *row;
    int64_t n;
} choice;

static int64_t class_at(const choice *c, uint32_t i)
{
    return c->class_ ? ((const int32_t *)c->class_->data)[gr__made_base(c->set->made, c->row[i])] : 0;
}

/* How many of each class: in rounds, one of each that has some left. */
static void share_out(int64_t *quota, const int64_t *have, int64_t classes, int64_t count)
{
    for (int64_t left = count, given = 1; left && given;) {
        given = 0;
        for (int64_t k = 0; k < classes && left; k++) {
            if (quota[k] == have[k]) continue;
            quota[k]++;
            given++;
            left--;
        }
    }
}

/* Those that their class still has room for, in the order of a permutation. */
static void pick(const choice *c, const uint32_t *order, int64_t *quota, uint8_t *picked)
{
    for (int64_t i = 0; i < c->n; i++) {
        int64_t *left = &quota[class_at(c, order[i])];
        picked[order[i]] = *left > 0;
        *left -= *left > 0;
    }
}

static gr_status choose(gr_context *ctx, const choice *c, uint64_t seed, gr_part p, int64_t count, gr_rows *out)
{
    int64_t classes = c->class_ ? GR_MAX(c->class_->classes, 1) : 1, n = GR_MIN(count, c->n);
    size_t list = sizeof(uint32_t) * (size_t)c->n, room = list + (size_t)c->n,
           tally = 2 * sizeof(int64_t) * (size_t)classes;
    gr_rows chosen = {0};
    int64_t *quota = gr__alloc(ctx, tally), *have = quota ? quota + classes : NULL;
    uint32_t *order = quota ? gr__tensor_alloc(ctx, room) : NULL;
    gr_status st = order ? GR_OK : gr__error_code(ctx);
    if (st == GR_OK) st = gr__rows_all(ctx, n, &chosen);
    if (st == GR_OK) {
        gr__rng r = gr__rng_make(seed, "view", (uint32_t)p, 0);
        uint8_t *picked = (uint8_t *)order + list;
        int64_t at = 0;
        gr__rng_permutation(&r, order, (size_t)c->n);
        for (int64_t i = 0; i < c->n; i++) have[class_at(c, (uint32_t)i)]++;
        share_out(quota, have, classes, n);
        pick(c, order, quota, picked);
        for (int64_t i = 0; i < c->n; i++)
            if (picked[i]) chosen.row[at++] = c->row[i];
        *out = chosen;
    }
    gr__tensor_free(ctx, order, room);
    gr__free(ctx, quota, tally);
    return st;
}

/* Where balancing took some away, those that are left. */
static choice all_of(const gr_task *t, gr_part p)
{
    choice c = {t->set_of[p], gr__set_classes(t->set_of[p]), t->rows[p].row, t->rows[p].n};
    if (p == GR_PART_TRAIN && t->balanced) c.row = t->trained.row, c.n = t->kept;
    return c;
}

gr_status gr__view_choose(const gr_task *t, gr_part p, int64_t count, gr_rows *out)
{
    choice c = all_of(t, p);
    return choose(t->ctx, &c, t->recipe->seed, p, count, out);
}

/* What was made comes last. */
static choice made_of(const gr_task *t)
{
    choice c = all_of(t, GR_PART_TRAIN);
    int64_t n = c.set->made ? c.set->made->n : 0;
    c.row = t->trained.row + (t->trained.n - n);
    c.n = n;
    return c;
}

gr_status gr__view_choose_made(const gr_task *t, int64_t count, gr_rows *out)
{
    choice c = made_of(t);
    return choose(t->ctx, &c, t->recipe->seed, GR_PART_TRAIN, count, out);
}
