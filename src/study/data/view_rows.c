/* Which samples of a part are looked at. */
#include <string.h>

#include "base/rng.h"
#include "study/data/view.h"

/* The first of the targets that is a class a sample. NULL: none. */
static const gr_field *class_of(const gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *f = gr__set_target(s, h);
        if (f->kind == GR_TARGET_CLASS && f->sample.rank == 0) return f;
    }
    return NULL;
}

static int64_t class_at(const gr_field *f, uint32_t row)
{
    return f ? ((const int32_t *)f->data)[row] : 0;
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

/* Of the rows in the order of a permutation, those that their class still has room for. */
static void pick(const gr_rows *rows, const uint32_t *order, const gr_field *f, int64_t *quota, uint8_t *picked)
{
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t *left = &quota[class_at(f, rows->row[order[i]])];
        picked[order[i]] = *left > 0;
        *left -= *left > 0;
    }
}

gr_status gr__view_choose(const gr_task *t, gr_part p, int64_t count, gr_rows *out)
{
    gr_context *ctx = t->ctx;
    const gr_rows *rows = &t->rows[p];
    const gr_field *f = class_of(t->set_of[p]);
    int64_t classes = f ? GR_MAX(f->classes, 1) : 1, n = GR_MIN(count, rows->n);
    size_t list = sizeof(uint32_t) * (size_t)rows->n, room = list + (size_t)rows->n,
           tally = 2 * sizeof(int64_t) * (size_t)classes;
    gr_rows chosen = {0};
    int64_t *quota = gr__alloc(ctx, tally), *have = quota + classes;
    uint32_t *order = quota ? gr__tensor_alloc(ctx, room) : NULL;
    gr_status st = order ? GR_OK : gr__error_code(ctx);
    if (st == GR_OK) st = gr__rows_all(ctx, n, &chosen);
    if (st == GR_OK) {
        gr__rng r = gr__rng_make(t->recipe->seed, "view", (uint32_t)p, 0);
        uint8_t *picked = (uint8_t *)order + list;
        int64_t at = 0;
        gr__rng_permutation(&r, order, (size_t)rows->n);
        for (int64_t i = 0; i < rows->n; i++) have[class_at(f, rows->row[i])]++;
        share_out(quota, have, classes, n);
        pick(rows, order, f, quota, picked);
        for (int64_t i = 0; i < rows->n; i++)
            if (picked[i]) chosen.row[at++] = rows->row[i];
        *out = chosen;
    }
    gr__tensor_free(ctx, order, room);
    gr__free(ctx, quota, tally);
    return st;
}
