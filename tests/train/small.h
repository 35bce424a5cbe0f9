/* A small recipe with every kind of state, trained within a test. */
#ifndef SMALL_H
#define SMALL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"
#include "train/train.h"

typedef struct small {
    char folder[64]; /* a temporary folder */
    char recipe[96], out[96];
} small;

static inline void small_make(small *s, const char *more)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/gradus-train-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->recipe, sizeof s->recipe, "%s/r.yaml", s->folder);
    snprintf(s->out, sizeof s->out, "%s/run", s->folder);
    FILE *f = fopen(s->recipe, "w");
    assert_non_null(f);
    fprintf(f,
            "gradus: 1\nname: small\nseed: 3\n"
            "data: {train: {type: synthetic, kind: digits, n: 120, seed: 1}, validation: {split: 0.2}, batch: 16, "
            "prepare: [standardize], shuffle: every_epoch}\n"
            "model: {input: [16, 16, 1], layers: [{type: conv, filters: 4, kernel: 3, padding: same, activation: relu, "
            "name: c1}, {type: max_pool, size: 2},\n"
            "  flatten, {type: dropout, rate: 0.25}, {type: dense, units: 10, name: head}]}\n"
            "cost: cross_entropy\n%s",
            more);
    fclose(f);
}

static inline void small_remove(const small *s)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
    assert_int_equal(system(command), 0);
}

static inline gr_status small_train(gr_context *ctx, const small *s, const gr_train_options *more,
                                    gr_train_result *result)
{
    gr_recipe *r = NULL;
    gr_train_options o = {0};
    if (more) o = *more;
    if (!o.out) o.out = s->out;
    gr_status st = gr__recipe_open(ctx, s->recipe, NULL, 0, &r);
    if (st == GR_OK) st = gr_context_configure(ctx, gr_context_threads(ctx), r->memory);
    if (st == GR_OK) st = gr__train(ctx, r, &o, result);
    if (r) gr__recipe_close(ctx, r);
    return st;
}

#endif
