/* Scale: the picture made larger or smaller about its centre, in a frame of the same size. */
#include "data/augment/picture.h"

typedef struct scale {
    gr__picture picture;
    gr__between by;
} scale;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    scale *t = gr__bump_alloc(b, sizeof *t);
    if (!t) return gr__error_code(ctx);
    *state = t;
    gr_status st = gr__picture_of(ctx, m->shape, "scale", &t->picture);
    *scratch = st == GR_OK ? gr__picture_bytes(&t->picture) : 0;
    if (st == GR_OK) st = gr__between_of(ctx, m->settings, "by", 1, &t->by);
    if (st != GR_OK || t->by.low > 0) return st;
    return gr__tree_fail(ctx, gr__setting_tree(m->settings, "by"), GR_E_RANGE, "by: 0.1, or [0.8, 1.25]",
                         "pictures would become %g times their size", t->by.low);
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const scale *t = state;
    double times = gr__between_draw(&t->by, r);
    if (times == 1) return;
    gr__picture_turn(&t->picture, &(gr__turn){1 / times, 0, 0, 1 / times}, s->x, s->scratch);
}

static const gr_row rows[] = {
    {.name = "by",
     .kind = GR_ROW_TREE,
     .value = "0.1",
     .range = "a number from 0 on, below 1, or [low, high]",
     .unit = "1",
     .help = "how much larger or smaller at most; or the factors from low to high"},
};

GR_AUGMENT(scale) = {.head = {.family = "augment",
                              .name = "scale",
                              .title = "Picture made larger or smaller",
                              .cite = "",
                              .equations = "factor uniform on 1 - by to 1 + by; pixels between four neighbours "
                                           "(bilinear); beyond the border\nstands the border's pixel",
                              GR_ROWS(rows)},
                     .make = make,
                     .apply = apply};
