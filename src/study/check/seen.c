/* Moments of what the layers are given. */
#include "study/check/seen.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 512 };

gr_status gr__seen_rows(const gr_probe *p, gr_part part, int64_t most, gr_rows *out)
{
    const gr_rows *all = part == GR_PART_TRAIN ? gr__task_trained(&p->task) : &p->task.rows[part];
    int64_t n = GR_MIN(all->n, most), whole = (n + p->batch - 1) / p->batch * p->batch;
    gr_status st = gr__rows_all(p->ctx, whole, out);
    for (int64_t i = 0; i < whole && st == GR_OK; i++) out->row[i] = all->row[i % n * all->n / n];
    return st;
}

gr_status gr__seen_loader(const gr_probe *p, gr_part part, const gr_rows *rows, gr_loader **out)
{
    gr_loader_options o = gr__task_loader(&p->task, part, false);
    o.rows = rows;
    o.batch = p->batch;
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    return gr__loader_create(p->ctx, &o, out);
}

static gr_status take_room(const gr_probe *p, gr__bump *b, gr_seen *out)
{
    for (int i = 0; i < p->recipe->n_inputs; i++) {
        char name[32];
        gr_shape shape;
        gr_seen_input *in = &out->input[i];
        snprintf(name, sizeof name, "prepared%d", i);
        gr_plan_output(p->evaluate, name, &shape);
        in->width = gr_shape_count(shape) / p->batch;
        in->channels = shape.rank > 2 ? shape.dim[shape.rank - 1] : in->width;
        double **each[] = {&in->mean, &in->square, &in->cube, &in->fourth, &in->low, &in->high};
        for (size_t m = 0; m < GR_COUNT(each); m++)
            if (!(*each[m] = gr__bump_alloc(b, sizeof(double) * (size_t)GR_MAX(in->width, 1)))) return GR_E_MEMORY;
    }
    return GR_OK;
}

static double number(const gr_probe *p, int input, const void *data, int64_t k)
{
    return p->recipe->input[input].vocabulary ? (double)((const int32_t *)data)[k] : gr__probe_real(p, data, k);
}

/* The n-th number: its part in the sums of powers of what is off the mean.                      [Pebay 2008, eq. 1.5]
 */
static void add_number(gr_seen_input *in, int64_t k, double x, double n)
{
    double off = x - in->mean[k], share = off / n, term = off * share * (n - 1);
    in->mean[k] += share;
    in->fourth[k] +=
        term * share * share * (n * n - 3 * n + 3) + 6 * share * share * in->square[k] - 4 * share * in->cube[k];
    in->cube[k] += term * share * (n - 2) - 3 * share * in->square[k];
    in->square[k] += term;
    in->low[k] = n > 1 ? fmin(in->low[k], x) : x;
    in->high[k] = n > 1 ? fmax(in->high[k], x) : x;
}

/* Sample i of the plan's batch, the n-th of all. */
static void add(const gr_probe *p, gr_seen_input *in, int input, const void *data, int64_t i, int64_t n)
{
    bool still = true, finite = true, alike = i > 0;
    double first = number(p, input, data, i * in->width);
    for (int64_t k = 0; k < in->width; k++) {
        double x = number(p, input, data, i * in->width + k);
        finite &= isfinite(x) != 0;
        still &= x == first;
        alike = alike && x == number(p, input, data, (i - 1) * in->width + k);
        add_number(in, k, x, (double)n);
    }
    in->still += still;
    in->nonfinite += !finite;
    in->alike += alike;
}

static void look_at(gr_probe *p, const gr_batch *b, int64_t most, gr_seen_look *look, void *user, gr_seen *out)
{
    size_t real = gr_backend_real_bytes(p->task.backend);
    int64_t n = GR_MIN(b->n, most - out->n);
    for (int k = 0; k < p->recipe->n_inputs; k++) {
        char name[32];
        gr_seen_input *in = &out->input[k];
        size_t bytes = p->recipe->input[k].vocabulary ? sizeof(int32_t) : real;
        snprintf(name, sizeof name, "prepared%d", k);
        const char *data = gr_plan_output(p->evaluate, name, NULL);
        for (int64_t i = 0; i < n; i++) {
            add(p, in, k, data, i, out->n + i + 1);
            if (look) look(user, k, b->row[i], data + (size_t)(i * in->width) * bytes, out->n + i);
        }
    }
    out->n += n;
}

gr_status gr__seen_take(gr_probe *p, gr__bump *b, gr_part part, gr_seen_look *look, void *user, gr_seen *out)
{
    const gr_rows *all = part == GR_PART_TRAIN ? gr__task_trained(&p->task) : &p->task.rows[part];
    int64_t most = GR_MIN(all->n, SAMPLES);
    gr_rows rows = {0};
    gr_loader *l = NULL;
    gr_status st = GR_OK;
    *out = (gr_seen){0};
    GR_TRY(take_room(p, b, out));
    GR_TRY(gr__seen_rows(p, part, most, &rows));
    GR_TRY(gr__seen_loader(p, part, &rows, &l));
    for (gr_batch batch = {0}; !batch.last && out->n < most;) {
        GR_TRY(gr__loader_next(l, &batch));
        GR_TRY(gr__probe_run(p, p->evaluate, &batch));
        look_at(p, &batch, most, look, user, out);
    }
    for (int k = 0; k < p->recipe->n_inputs; k++)
        for (int64_t i = 0; i < out->input[k].width; i++) {
            out->input[k].square[i] /= (double)GR_MAX(out->n, 1);
            out->input[k].cube[i] /= (double)GR_MAX(out->n, 1);
            out->input[k].fourth[i] /= (double)GR_MAX(out->n, 1);
        }
done:
    gr__loader_destroy(l);
    gr__rows_free(p->ctx, &rows);
    return st;
}
