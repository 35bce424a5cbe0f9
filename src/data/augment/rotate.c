/* Rotate: the picture turned about its centre. */
#include <math.h>

#include "data/augment/picture.h"

typedef struct rotate {
    gr__picture picture;
    gr__between degrees;
} rotate;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    rotate *t = gr__bump_alloc(b, sizeof *t);
    if (!t) return gr__error_code(ctx);
    *state = t;
    gr_status st = gr__picture_of(ctx, m->shape, "rotate", &t->picture);
    *scratch = st == GR_OK ? gr__picture_bytes(&t->picture) : 0;
    return st == GR_OK ? gr__between_of(ctx, m->settings, "degrees", 0, &t->degrees) : st;
}

/* Quarter turns have sine and cosine 0, 1 and -1, so that they move pixels and change none. */
static void sine_cosine(double degrees, double *sine, double *cosine)
{
    static const double exact[] = {0, 1, 0, -1};
    double quarters = degrees / 90;
    if (quarters == rint(quarters)) {
        int k = (int)fmod(fmod(quarters, 4) + 4, 4);
        *sine = exact[k];
        *cosine = exact[(k + 1) % 4];
        return;
    }
    *sine = sin(degrees * (M_PI / 180));
    *cosine = cos(degrees * (M_PI / 180));
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const rotate *t = state;
    double sine, cosine;
    sine_cosine(gr__between_draw(&t->degrees, r), &sine, &cosine);
    if (cosine == 1) return;
    /* Counterclockwise as seen, rows counting downwards: what is found at an offset stood where that is turned back. */
    gr__picture_turn(&t->picture, &(gr__turn){cosine, sine, -sine, cosine}, s->x, s->scratch);
}

static const gr_row rows[] = {
    {.name = "degrees",
     .kind = GR_ROW_TREE,
     .value = "10",
     .range = "a number from 0 on, or [low, high]",
     .unit = "degrees",
     .help = "angle at most, either way; or from low to high, counterclockwise"},
};

GR_AUGMENT(rotate) = {
    .head =
        {.family = "augment",
         .name = "rotate",
         .title = "Picture turned about its centre",
         .cite = "",
         .equations =
             "angle uniform; pixels between four neighbours (bilinear); beyond the border stands the border's pixel",
         GR_ROWS(rows)},
    .make = make,
    .apply = apply};
