/* Logistic regression with the penalty |w|^2 / (2 C), which leaves out what is added to every answer: of two classes
 * one row of weights, of more a row each, as scikit-learn has it. Newton's method; its step is solved by conjugate
 * gradients whose preconditioner is, class by class, the Hessian over some of the samples, with the diagonal that all
 * of them give. Ends when no probability is off by more than a millionth. That is known in two ways: the cost is at
 * least as curved as its penalty, which bounds how far the weights are off by the gradient; and after a whole step of
 * Newton's that moved no logit by more than d, of which a share e was left unsolved, logits are off by about e d + d^2.
 * [Lin, Weng & Keerthi 2008; Nocedal & Wright, Numerical Optimization, 7.1; Bach 2010, on self-concordance] */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/baseline/job.h"

enum {
    MOST_STEPS = 200,
    MOST_INNER = 500,
    LOOKED_AT = 4096, /* samples of the preconditioner, at most */
};
static const double OFF = 2e-6;  /* of a logit, at the end */
static const double NEAR = 1e-3; /* a step that moves logits by less is taken: costs differ by rounding alone */
static const size_t MOST_SQUARES = (size_t)1 << 30; /* bytes of the preconditioner; else a diagonal one */
static const double MOST_WORK = 2e12;               /* operations of making it; else likewise */

typedef struct logistic {
    gr_baseline_job *j;
    const gr__rows_kernels *kernels;
    int64_t rows, apart, numbers; /* of weights; numbers: rows x apart */
    double c;
    double *w, *gradient, *direction, *residual, *conjugate, *curved, *solved, *tried; /* rows x apart each */
    double *p;        /* of each sample: a probability a row */
    double *shard;    /* of each shard: rows x apart sums, and a cost */
    double *room;     /* of each worker: two blocks of logits */
    const double *at; /* what the pass is about */
    double *square;   /* the preconditioner: of each row a triangle, apart x apart; or rows x apart */
    bool diagonal;
    double radius; /* of the longest sample */
    double left;   /* share of the last direction that was not solved */
    double reach;  /* by how much that moves a logit, at most; infinite where no whole step was taken */
    size_t vectors_bytes, p_bytes, shard_bytes, room_bytes, square_bytes;
} logistic;

static double total(const logistic *s, double *out)
{
    int64_t each = s->numbers + GR__ROW_STEP;
    double cost = 0;
    memset(out, 0, (size_t)s->numbers * sizeof *out);
    for (int k = 0; k < GR_FEATURE_SHARDS; k++) {
        const double *of = s->shard + k * each;
        for (int64_t e = 0; e < s->numbers; e++) out[e] += of[e];
        cost += of[s->numbers];
    }
    return cost;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i += 8) /* rows are padded */
        for (int k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

/* ---- cost and gradient ---- */

/* -log of the probability of the right one, without loss of digits; probabilities in the place of the logits. */
static double two(double *z, int kind)
{
    double x = kind ? *z : -*z, small = exp(-fabs(x));
    *z = *z >= 0 ? 1 / (1 + exp(-*z)) : exp(*z) / (1 + exp(*z));
    return log1p(small) + (x < 0 ? -x : 0);
}

static double many(double *z, int64_t n, int kind)
{
    double most = z[0], sum = 0, right = z[kind];
    for (int64_t k = 1; k < n; k++) most = fmax(most, z[k]);
    for (int64_t k = 0; k < n; k++) sum += z[k] = exp(z[k] - most);
    for (int64_t k = 0; k < n; k++) z[k] /= sum;
    return log(sum) + most - right;
}

static void cost_block(void *user, const gr_feature_block *b)
{
    const logistic *s = user;
    int64_t k = s->rows;
    double *z = s->room + b->worker * 2 * GR_FEATURE_ROWS * k, *sum = s->shard + b->shard * (s->numbers + GR__ROW_STEP);
    s->kernels->products(b->x, b->n, s->apart, s->at, k, z);
    for (int64_t i = 0; i < b->n; i++) {
        int64_t at = b->first + i;
        int kind = s->j->kind[at];
        double w = s->j->train.weight[at], *of = z + i * k, cost = k == 1 ? two(of, kind) : many(of, k, kind);
        sum[s->numbers] += w * cost;
        memcpy(s->p + at * k, of, (size_t)k * sizeof *of);
        if (k == 1)
            of[0] = w * (of[0] - kind);
        else
            for (int64_t c = 0; c < k; c++) of[c] = w * (of[c] - (c == kind));
    }
    s->kernels->sums(b->x, b->n, s->apart, 0, z, k, sum);
}

/* What is not penalised: the last number of each row. */
static int64_t penalised(const logistic *s, int64_t e)
{
    return e % s->apart < s->j->train.width;
}

/* At `w`; the probabilities of all samples are kept. */
static gr_status cost_at(logistic *s, const double *w, double *gradient, double *cost)
{
    memset(s->shard, 0, s->shard_bytes);
    s->at = w;
    gr_status st = gr__features_walk(&s->j->train, cost_block, s);
    *cost = total(s, gradient);
    for (int64_t e = 0; e < s->numbers; e++) {
        if (!penalised(s, e)) continue;
        gradient[e] += w[e] / s->c;
        *cost += w[e] * w[e] / (2 * s->c);
    }
    return st;
}

/* ---- the Hessian ---- */

static void curve_block(void *user, const gr_feature_block *b)
{
    const logistic *s = user;
    int64_t k = s->rows;
    double *z = s->room + b->worker * 2 * GR_FEATURE_ROWS * k, *sum = s->shard + b->shard * (s->numbers + GR__ROW_STEP);
    s->kernels->products(b->x, b->n, s->apart, s->at, k, z);
    for (int64_t i = 0; i < b->n; i++) {
        int64_t at = b->first + i;
        double w = s->j->train.weight[at], *of = z + i * k, mean = 0;
        const double *p = s->p + at * k;
        if (k == 1) {
            of[0] *= w * p[0] * (1 - p[0]);
            continue;
        }
        for (int64_t c = 0; c < k; c++) mean += p[c] * of[c];
        for (int64_t c = 0; c < k; c++) of[c] = w * p[c] * (of[c] - mean);
    }
    s->kernels->sums(b->x, b->n, s->apart, 0, z, k, sum);
}

static gr_status curve(logistic *s, const double *v, double *out)
{
    memset(s->shard, 0, s->shard_bytes);
    s->at = v;
    gr_status st = gr__features_walk(&s->j->train, curve_block, s);
    total(s, out);
    for (int64_t e = 0; e < s->numbers; e++)
        if (penalised(s, e)) out[e] += v[e] / s->c;
    return st;
}

/* ---- the preconditioner ---- */

/* A shard a row of weights: each looks at every so many blocks. */
typedef struct squaring {
    logistic *s;
    int64_t apart_blocks; /* every so many samples are looked at */
    double scale;
    double *weight; /* of each looked-at sample and row */
    double *x;      /* their rows */
    double *room;   /* of each worker: GR_FEATURE_ROWS x apart */
    double *all;    /* rows x apart: the diagonal of the Hessian's blocks, over all samples */
    int64_t n;
    bool failed;
} squaring;

static void square_diagonal(const squaring *q, int64_t row)
{
    const logistic *s = q->s;
    double *d = s->square + row * s->apart;
    for (int64_t e = 0; e < s->apart; e++)
        d[e] = q->all[row * s->apart + e] + (penalised(s, e) ? 1 / s->c : DBL_EPSILON * (double)s->j->train.n);
}

/* Of the lower half of the square, in place: its root. Rows of zeros, which pad, are left as the unit's. */
static void root(double *a, int64_t n, int64_t apart)
{
    for (int64_t j = 0; j < n; j++) {
        double *row = a + j * apart;
        for (int64_t i = 0; i < j; i++) {
            const double *of = a + i * apart;
            double sum = row[i];
            double part[4] = {0};
            int64_t e = 0;
            for (; e + 4 <= i; e += 4)
                for (int k = 0; k < 4; k++) part[k] += row[e + k] * of[e + k];
            for (; e < i; e++) part[0] += row[e] * of[e];
            row[i] = (sum - (part[0] + part[1] + part[2] + part[3])) / of[i];
        }
        double sum = row[j];
        for (int64_t e = 0; e < j; e++) sum -= row[e] * row[e];
        row[j] = sqrt(fmax(sum, DBL_MIN));
    }
}

static void square_row(void *arg, int shard, int worker)
{
    const squaring *q = arg;
    const logistic *s = q->s;
    int64_t apart = s->apart, n = s->j->train.width + 1;
    gr__fp_state saved = gr__fp_enter();
    if (s->diagonal) {
        square_diagonal(q, shard);
    } else {
        double *a = s->square + shard * apart * apart, *room = q->room + worker * GR_FEATURE_ROWS * apart;
        memset(a, 0, (size_t)(apart * apart) * sizeof *a);
        for (int64_t i = 0; i < q->n; i += GR_FEATURE_ROWS)
            s->kernels->squares(q->x + i * apart, GR_MIN(GR_FEATURE_ROWS, q->n - i), apart,
                                q->weight + shard * q->n + i, room, a);
        for (int64_t e = 0; e < n; e++) {
            for (int64_t i = 0; i <= e; i++) a[e * apart + i] *= q->scale;
            a[e * apart + e] += fmax(0, q->all[shard * apart + e] - a[e * apart + e]);
            /* what is not penalised gets what keeps its pivot above the rounding of sums */
            a[e * apart + e] += e < n - 1 ? 1 / s->c : 1e-10 * (1 + a[e * apart + e]);
        }
        root(a, n, apart);
    }
    gr__fp_leave(saved);
}

static void take_some(void *user, const gr_feature_block *b)
{
    squaring *q = user;
    const logistic *s = q->s;
    double *sum = s->shard + b->shard * (s->numbers + GR__ROW_STEP);
    for (int64_t i = 0; i < b->n; i++) {
        int64_t at = b->first + i, place = at / q->apart_blocks;
        const double *x = b->x + i * s->apart;
        for (int64_t k = 0; k < s->rows; k++) {
            double p = s->p[at * s->rows + k], by = s->j->train.weight[at] * p * (1 - p);
            for (int64_t e = 0; e < s->apart; e++) sum[k * s->apart + e] += by * x[e] * x[e];
        }
        if (at % q->apart_blocks || place >= q->n) continue;
        memcpy(q->x + place * s->apart, b->x + i * s->apart, (size_t)s->apart * sizeof *b->x);
        for (int64_t k = 0; k < s->rows; k++) {
            double p = s->p[at * s->rows + k];
            q->weight[k * q->n + place] = s->j->train.weight[at] * p * (1 - p);
        }
    }
}

static gr_status precondition(logistic *s)
{
    gr_context *ctx = s->j->ctx;
    gr__pool *pool = gr__context_pool(ctx);
    int64_t every = (s->j->train.n + LOOKED_AT - 1) / LOOKED_AT;
    squaring q = {.s = s, .apart_blocks = every, .n = (s->j->train.n + every - 1) / every, .all = s->solved};
    size_t x_bytes = sizeof(double) * (size_t)(q.n * s->apart), weight_bytes = sizeof(double) * (size_t)(q.n * s->rows),
           room_bytes = sizeof(double) * (size_t)(s->j->train.workers * GR_FEATURE_ROWS * s->apart);
    gr_status st = GR_OK;
    q.scale = (double)s->j->train.n / (double)q.n;
    q.x = gr__tensor_alloc(ctx, x_bytes);
    q.weight = q.x ? gr__tensor_alloc(ctx, weight_bytes) : NULL;
    q.room = q.weight ? gr__tensor_alloc(ctx, room_bytes) : NULL;
    if (!q.room || !pool) st = gr__error_code(ctx);
    memset(s->shard, 0, s->shard_bytes);
    if (st == GR_OK) st = gr__features_walk(&s->j->train, take_some, &q);
    total(s, q.all);
    if (st == GR_OK) gr__pool_run(pool, square_row, &q, (int)s->rows);
    if (q.room) gr__tensor_free(ctx, q.room, room_bytes);
    if (q.weight) gr__tensor_free(ctx, q.weight, weight_bytes);
    if (q.x) gr__tensor_free(ctx, q.x, x_bytes);
    return st;
}

/* What is added to all classes changes no probability, and the least of its squares is none. */
static void center(const logistic *s, double *x)
{
    for (int64_t e = 0; s->rows > 1 && e < s->apart; e++) {
        double mean = 0;
        for (int64_t k = 0; k < s->rows; k++) mean += x[k * s->apart + e];
        for (int64_t k = 0; k < s->rows; k++) x[k * s->apart + e] -= mean / (double)s->rows;
    }
}

/* out: what the preconditioner makes of r. */
static void improve(const logistic *s, const double *r, double *out)
{
    int64_t apart = s->apart, n = s->j->train.width + 1;
    if (s->diagonal) {
        for (int64_t e = 0; e < s->numbers; e++) out[e] = e % apart < n ? r[e] / s->square[e] : 0;
        center(s, out);
        return;
    }
    memcpy(out, r, (size_t)s->numbers * sizeof *out);
    for (int64_t k = 0; k < s->rows; k++) {
        const double *a = s->square + k * apart * apart;
        double *x = out + k * apart;
        for (int64_t i = 0; i < n; i++) {
            double sum = x[i];
            for (int64_t e = 0; e < i; e++) sum -= a[i * apart + e] * x[e];
            x[i] = sum / a[i * apart + i];
        }
        for (int64_t i = n - 1; i >= 0; i--) {
            x[i] /= a[i * apart + i];
            for (int64_t e = 0; e < i; e++) x[e] -= a[i * apart + e] * x[i];
        }
    }
    center(s, out);
}

/* ---- steps ---- */

static void reach_block(void *user, const gr_feature_block *b)
{
    const logistic *s = user;
    double *z = s->room + b->worker * 2 * GR_FEATURE_ROWS * s->rows;
    double *most = s->shard + b->shard * (s->numbers + GR__ROW_STEP);
    s->kernels->products(b->x, b->n, s->apart, s->at, s->rows, z);
    for (int64_t i = 0; i < b->n * s->rows; i++) *most = fmax(*most, fabs(z[i]));
}

static double most_of_shards(const logistic *s)
{
    double most = 0;
    for (int k = 0; k < GR_FEATURE_SHARDS; k++) most = fmax(most, s->shard[k * (s->numbers + GR__ROW_STEP)]);
    return most;
}

/* direction: against the gradient, so far that what is left of it is `share` of it. */
static gr_status find_direction(logistic *s, double share)
{
    int64_t n = s->numbers;
    double *r = s->residual, *v = s->conjugate, *z = s->solved;
    memset(s->direction, 0, (size_t)n * sizeof(double));
    for (int64_t e = 0; e < n; e++) r[e] = -s->gradient[e];
    improve(s, r, z);
    memcpy(v, z, (size_t)n * sizeof *v);
    double rz = dot(r, z, n), whole = rz, enough = share * share * dot(r, r, n);
    for (int i = 0; i < MOST_INNER && dot(r, r, n) > enough; i++) {
        gr_status st = curve(s, v, s->curved);
        if (st == GR_OK) st = gr__baseline_pause(s->j, "logistic", NAN);
        if (st != GR_OK) return st;
        double curvature = dot(v, s->curved, n);
        if (!(curvature > 0)) break;
        double by = rz / curvature;
        for (int64_t e = 0; e < n; e++) s->direction[e] += by * v[e], r[e] -= by * s->curved[e];
        improve(s, r, z);
        double next = dot(r, z, n), keep = next / rz;
        rz = next;
        for (int64_t e = 0; e < n; e++) v[e] = z[e] + keep * v[e];
    }
    s->left = whole > 0 ? sqrt(rz / whole) : 0;
    memset(s->shard, 0, s->shard_bytes);
    s->at = s->direction;
    gr_status st = gr__features_walk(&s->j->train, reach_block, s);
    s->reach = most_of_shards(s);
    return st;
}

/* As far as the cost falls as it should; *moved false: it no longer does, rounding being all that is left. */
static gr_status move(logistic *s, double *cost, bool *moved)
{
    double slope = dot(s->gradient, s->direction, s->numbers), next;
    *moved = true;
    for (double by = 1; by > 1e-8; by /= 2) {
        for (int64_t e = 0; e < s->numbers; e++) s->tried[e] = s->w[e] + by * s->direction[e];
        gr_status st = cost_at(s, s->tried, s->residual, &next);
        if (st != GR_OK) return st;
        if (!(next <= *cost + 1e-4 * by * slope + 4 * DBL_EPSILON * fabs(*cost)) && s->reach > NEAR) continue;
        memcpy(s->w, s->tried, (size_t)s->numbers * sizeof(double));
        memcpy(s->gradient, s->residual, (size_t)s->numbers * sizeof(double));
        *cost = next;
        if (by < 1) s->reach = INFINITY;
        return GR_OK;
    }
    s->reach = INFINITY;
    *moved = false;
    return GR_OK;
}

static gr_status descend(logistic *s, int *steps, double *off)
{
    double cost, first, at;
    bool moved = true;
    gr_status st = cost_at(s, s->w, s->gradient, &cost);
    first = sqrt(dot(s->gradient, s->gradient, s->numbers));
    s->reach = INFINITY;
    for (*steps = 0; st == GR_OK; ++*steps) {
        at = sqrt(dot(s->gradient, s->gradient, s->numbers));
        *off = fmin(at * s->c * s->radius, s->reach * (s->left + s->reach));
        if (*off <= OFF || *steps == MOST_STEPS || !moved) break;
        gr__watch(s->j->options->watch, "logistic", fmin(0.99, log(first / at) / log(first * s->c * s->radius / OFF)));
        bool anew = (*steps & (*steps - 1)) == 0; /* after 0, 1, 2, 4, 8 ... */
        if (anew) st = precondition(s);
        if (st == GR_OK) st = find_direction(s, fmax(1e-3, fmin(0.1, sqrt(at / first))));
        if (st == GR_OK) st = move(s, &cost, &moved);
    }
    return st;
}

/* ---- the model ---- */

static void radius_block(void *user, const gr_feature_block *b)
{
    logistic *s = user;
    double *most = s->shard + b->shard * (s->numbers + GR__ROW_STEP);
    for (int64_t i = 0; i < b->n; i++) *most = fmax(*most, dot(b->x + i * s->apart, b->x + i * s->apart, s->apart));
}

static gr_status find_radius(logistic *s)
{
    gr_status st = gr__features_walk(&s->j->train, radius_block, s);
    s->radius = sqrt(most_of_shards(s));
    return st;
}

static gr_status open_logistic(gr_baseline_job *j, logistic *s)
{
    int64_t rows = j->kinds == 2 ? 1 : j->kinds, apart = j->train.apart, numbers = rows * apart;
    double square = (double)numbers * (double)apart, looked = (double)GR_MIN(j->train.n, LOOKED_AT);
    *s = (logistic){.j = j,
                    .kernels = gr__rows_kernels_chosen(),
                    .rows = rows,
                    .apart = apart,
                    .numbers = numbers,
                    .c = j->options->c > 0 ? j->options->c : 1,
                    .diagonal = square * sizeof(double) > (double)MOST_SQUARES ||
                                square * (looked + (double)apart / 3) > MOST_WORK};
    s->vectors_bytes = sizeof(double) * (size_t)(8 * numbers);
    s->p_bytes = sizeof(double) * (size_t)(j->train.n * rows);
    s->shard_bytes = sizeof(double) * (size_t)(GR_FEATURE_SHARDS * (numbers + GR__ROW_STEP));
    s->room_bytes = sizeof(double) * (size_t)(j->train.workers * 2 * GR_FEATURE_ROWS * rows);
    s->square_bytes = sizeof(double) * (size_t)(s->diagonal ? numbers : numbers * apart);
    s->w = gr__tensor_alloc(j->ctx, s->vectors_bytes);
    s->p = s->w ? gr__tensor_alloc(j->ctx, s->p_bytes) : NULL;
    s->shard = s->p ? gr__tensor_alloc(j->ctx, s->shard_bytes) : NULL;
    s->room = s->shard ? gr__tensor_alloc(j->ctx, s->room_bytes) : NULL;
    s->square = s->room ? gr__tensor_alloc(j->ctx, s->square_bytes) : NULL;
    if (!s->square) return gr__error_code(j->ctx);
    double **vector[] = {&s->gradient, &s->direction, &s->residual, &s->conjugate, &s->curved, &s->solved, &s->tried};
    for (size_t i = 0; i < GR_COUNT(vector); i++) *vector[i] = s->w + (int64_t)(i + 1) * numbers;
    return GR_OK;
}

static void close_logistic(logistic *s)
{
    gr_context *ctx = s->j->ctx;
    if (s->square) gr__tensor_free(ctx, s->square, s->square_bytes);
    if (s->room) gr__tensor_free(ctx, s->room, s->room_bytes);
    if (s->shard) gr__tensor_free(ctx, s->shard, s->shard_bytes);
    if (s->p) gr__tensor_free(ctx, s->p, s->p_bytes);
    if (s->w) gr__tensor_free(ctx, s->w, s->vectors_bytes);
}

/* Classes that training has none of have no probability. */
static void give(const gr_baseline_job *j, const double *z, double *answer)
{
    double p[2] = {*z}, most = z[0], sum = 0;
    memset(answer, 0, (size_t)j->outputs * sizeof *answer);
    if (j->kinds == 2) {
        two(&p[0], 0);
        answer[j->class_of[1]] = p[0];
        answer[j->class_of[0]] = 1 - p[0];
        return;
    }
    for (int64_t k = 1; k < j->kinds; k++) most = fmax(most, z[k]);
    for (int64_t k = 0; k < j->kinds; k++) sum += answer[j->class_of[k]] = exp(z[k] - most);
    for (int64_t k = 0; k < j->kinds; k++) answer[j->class_of[k]] /= sum;
}

gr_status gr__baseline_logistic(gr_baseline_job *j, gr_baseline *out)
{
    logistic s;
    int steps = 0;
    double off = 0;
    if (j->kinds < 2) {
        snprintf(out->skipped, sizeof out->skipped, "the training data has one class alone");
        return GR_OK;
    }
    gr_status st = open_logistic(j, &s);
    if (st == GR_OK) st = find_radius(&s);
    if (st == GR_OK) st = descend(&s, &steps, &off);
    if (st == GR_OK && off > OFF && steps == MOST_STEPS)
        gr__log(j->ctx, GR_LOG_WARNING, "logistic: after %d steps its logits may still be off by %.1g", steps, off);
    if (st == GR_OK) st = gr__baseline_answer(j, s.w, s.rows, give);
    snprintf(out->settings, sizeof out->settings, "C %g, L2 without the bias, %d Newton steps, logits within %.1g", s.c,
             steps, off);
    close_logistic(&s);
    return st;
}
