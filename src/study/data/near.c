/* Near duplicates of a recipe's data: what is compared, as what. */
#include <math.h>
#include <string.h>

#include "data/numbers.h"
#include "study/data/inspect.h"

/* Beyond so many numbers of rows they are not compared: they would be held as well. */
static const int64_t MOST_NUMBERS = 200000000;

/* What the first of each group of equal samples is compared as. */
typedef struct compared {
    gr_inspection *s;
    int64_t *at, n; /* which samples */
    gr_near_look *look;
    double *x;
    uint32_t *word;
    int64_t *begin;
    size_t look_bytes, x_bytes, word_bytes, begin_bytes;
} compared;

static void *take(gr_inspection *s, size_t count, size_t size, size_t *bytes)
{
    *bytes = GR_MAX(count, 1) * size;
    return gr__tensor_alloc(s->ctx, *bytes);
}

static gr_status gather(gr_inspection *s, compared *c)
{
    size_t n = 0;
    *c = (compared){.s = s};
    for (int64_t i = 0; i < s->n; i++) n += s->part[i] != GR_IN_NO_PART && gr__clusters_of(&s->same, i) == i;
    c->at = take(s, n, sizeof *c->at, &(size_t){0});
    if (!c->at) return gr__error_code(s->ctx);
    for (int64_t i = 0; i < s->n; i++)
        if (s->part[i] != GR_IN_NO_PART && gr__clusters_of(&s->same, i) == i) c->at[c->n++] = i;
    size_t numbers = n * (size_t)s->width;
    void *made = c->at;
    if (s->form == GR_FORM_PICTURES) made = c->look = take(s, n, sizeof *c->look, &c->look_bytes);
    if (s->form == GR_FORM_ROWS) made = c->x = take(s, numbers, sizeof *c->x, &c->x_bytes);
    if (s->form == GR_FORM_WORDS) made = c->word = take(s, numbers, sizeof *c->word, &c->word_bytes);
    if (s->form == GR_FORM_WORDS && made) made = c->begin = take(s, n + 1, sizeof *c->begin, &c->begin_bytes);
    return made ? GR_OK : gr__error_code(s->ctx);
}

static void release(compared *c)
{
    gr_context *ctx = c->s->ctx;
    if (c->begin) gr__tensor_free(ctx, c->begin, c->begin_bytes);
    if (c->word) gr__tensor_free(ctx, c->word, c->word_bytes);
    if (c->x) gr__tensor_free(ctx, c->x, c->x_bytes);
    if (c->look) gr__tensor_free(ctx, c->look, c->look_bytes);
    if (c->at) gr__tensor_free(ctx, c->at, sizeof *c->at * (size_t)GR_MAX(c->n, 1));
}

/* ---- a sample as what it is compared as ---- */

static void range_of(const gr_inspection *s, gr_part source, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (int64_t j = 0; j < s->channels; j++) *low = fmin(*low, s->low[j]), *high = fmax(*high, s->high[j]);
    if (gr__set_input(&s->task.set[source], 0)->element == GR_EL_U8) *low = 0, *high = 255;
}

static void put(compared *c, int64_t k, gr_part source, const double *x, int64_t counts, double *room)
{
    gr_inspection *s = c->s;
    gr_shape shape = s->shape;
    double low, high;
    if (c->look) {
        range_of(s, source, &low, &high);
        gr__look(x, shape.dim[0], shape.dim[1], shape.dim[2], low, high, room, &c->look[k]);
    }
    for (int64_t j = 0; c->x && j < s->width; j++) {
        int64_t at = j % s->channels;
        c->x[k * s->width + j] = isnan(x[j]) ? 0 : (x[j] - s->mean[at]) / (s->std[at] > 0 ? s->std[at] : 1);
    }
    for (int64_t j = 0; c->word && j < counts; j++) c->word[c->begin[k] + j] = (uint32_t)x[j];
    if (c->word) c->begin[k + 1] = c->begin[k] + counts;
}

static gr_status fill(compared *c)
{
    gr_inspection *s = c->s;
    gr_sampler from[GR_PARTS] = {{0}};
    size_t bytes = sizeof(double) * (size_t)s->width;
    double *room = gr__alloc(s->ctx, bytes);
    gr_status st = room ? GR_OK : GR_E_MEMORY;
    for (int64_t k = 0; k < c->n && st == GR_OK; k++) {
        int64_t row;
        gr_part p = gr__inspection_source(s, c->at[k], &row);
        const gr_set *set = &s->task.set[p];
        if (!from[p].ctx) st = gr__sampler_open(s->ctx, set, &from[p]);
        if (st == GR_OK) st = gr__sampler_take(&from[p], row);
        if (st == GR_OK) put(c, k, p, from[p].x, gr__field_counts(gr__set_input(set, 0), row, s->width), room);
        if (k % 1024 == 0) gr__watch(s->options->watch, "near duplicates", 0.5 * (double)k / (double)c->n);
    }
    for (int p = 0; p < GR_PARTS; p++) gr__sampler_close(&from[p]);
    if (room) gr__free(s->ctx, room, bytes);
    return st;
}

/* ---- the search ---- */

static gr_status search(compared *c, gr_clusters *near)
{
    gr_inspection *s = c->s;
    gr__watch(s->options->watch, "near duplicates", 0.5);
    if (c->look) return gr__near_pictures(s->ctx, c->look, NULL, c->n, near);
    if (c->word) return gr__near_words(s->ctx, c->word, c->begin, c->n, near);
    double limit = gr__near_limit(c->x, c->n, s->width, s->recipe->seed);
    return gr__near_rows(s->ctx, c->x, c->n, s->width, limit, near);
}

/* Groups of those that were compared, as groups of samples: equal ones are told elsewhere, so each stands for itself.
 */
static gr_status spread(compared *c, gr_clusters *near)
{
    gr_inspection *s = c->s;
    gr_clusters all = {0};
    gr_status st = gr__clusters_open(s->ctx, s->n, &all);
    for (int64_t k = 0; k < c->n && st == GR_OK; k++)
        gr__clusters_join(&all, c->at[k], c->at[gr__clusters_of(near, k)]);
    if (st == GR_OK)
        st = gr__inspect_groups(s, &all, "near_duplicate", GR_SEVERITY_WARNING, "near_duplicate", GR_SEVERITY_ERROR,
                                s->form == GR_FORM_PICTURES ? "looks like" : "is nearly the same as");
    gr__clusters_close(&all);
    return st;
}

gr_status gr__inspect_near(gr_inspection *s)
{
    compared c;
    gr_clusters near = {0};
    if (s->recipe->n_inputs > 1) return GR_OK; /* what makes two such samples alike nothing here can say */
    if (s->form == GR_FORM_ROWS && s->n * s->width > MOST_NUMBERS) {
        gr_data_finding *f = gr__found(s, "near_duplicate", GR_SEVERITY_NOTE, GR_PARTS);
        if (f)
            gr__found_text(s, f, "not looked for among %lld rows of %lld numbers: too many", (long long)s->n,
                           (long long)s->width);
        return gr__error_code(s->ctx);
    }
    gr_status st = gather(s, &c);
    if (st == GR_OK) st = fill(&c);
    if (st == GR_OK) st = gr__clusters_open(s->ctx, c.n, &near);
    if (st == GR_OK) st = search(&c, &near);
    if (st == GR_OK) st = spread(&c, &near);
    gr__clusters_close(&near);
    release(&c);
    return st;
}
