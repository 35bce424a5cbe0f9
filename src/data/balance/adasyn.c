/* ADASYN: more new samples where a rare class is hard to tell from others.                       [He et al. 2008] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/balance/neighbours.h"
#include "data/balance/share.h"

static const gr_row rows[] = {
    GR_BALANCE_K,
    GR_ROW("beta", REAL, "1", "(0,1]", "1", "how much of what a class lacks is made"),
    GR_ROW("form", CHOICE, "rounded", "rounded|exact", "",
           "each row's number rounded to even by itself, or by largest remainders, so that their sum is right"),
    GR_ROW("threshold", REAL, "0.75", "(0,1]", "1", "classes with more than this share of the largest are left alone"),
    GR_BALANCE_CATEGORICAL,
};

typedef struct share { /* of what is made, that falls to a row */
    double whole, rest;
    uint32_t place;
} share;

static int largest_rest(const void *a, const void *b)
{
    const share *x = a, *y = b;
    if (x->rest != y->rest) return x->rest > y->rest ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* wanted: what each of n rows would have, of `total`; place: where they stand. */
static gr_status by_remainders(const gr_balance_job *j, const double *wanted, const uint32_t *place, int64_t n,
                               int64_t total, uint32_t *made_of)
{
    size_t bytes = (size_t)n * sizeof(share);
    share *all = gr__alloc(j->ctx, bytes);
    if (!all) return GR_E_MEMORY;
    int64_t given = 0;
    for (int64_t i = 0; i < n; i++) {
        double whole = floor(wanted[i] + 1e-9); /* what rounding makes of a whole number is one */
        all[i] = (share){whole, floor((wanted[i] - whole) * 1e9 + 0.5), place[i]};
        given += (int64_t)whole;
    }
    qsort(all, (size_t)n, sizeof *all, largest_rest);
    for (int64_t i = 0; i < n; i++) made_of[all[i].place] = (uint32_t)all[i].whole + (i < total - given);
    gr__free(j->ctx, all, bytes);
    return GR_OK;
}

static gr_status all_alike(const gr_balance_job *j, int class_)
{
    char text[64];
    return gr__tree_fail(j->ctx, j->at, GR_E_DATA, "use smote, which makes as many of each",
                         "adasyn: no sample of class %s has one of another class among its %lld nearest",
                         gr__balance_class(j, class_, text), (long long)gr__setting_int(j->s, "k"));
}

/* How many are made of each of n rows (at these places), given how many of their k nearest are of other classes. */
static gr_status share_out(const gr_balance_job *j, int class_, const uint32_t *place, double *others, int64_t n,
                           double total, uint32_t *made_of)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += others[i];
    if (sum == 0) return all_alike(j, class_);
    for (int64_t i = 0; i < n; i++) others[i] = others[i] / sum * total;
    if (gr__setting_is(j->s, "form", "exact"))
        return by_remainders(j, others, place, n, (int64_t)floor(total + 0.5), made_of);
    for (int64_t i = 0; i < n; i++) made_of[place[i]] = (uint32_t)nearbyint(others[i]);
    return GR_OK;
}

typedef struct room {
    uint32_t *place, *row, *near;
    double *others;
} room;

static gr_status plan_class(const gr_balance_job *j, int class_, int64_t most, const room *of, gr_balance_plan *p)
{
    int64_t n = j->count[class_];
    int k = (int)GR_MIN(gr__setting_int(j->s, "k"), j->rows->n - 1);
    double mismatch;
    gr__balance_members(j, class_, of->place);
    for (int64_t i = 0; i < n; i++) of->row[i] = j->rows->row[of->place[i]];
    gr_status st = gr__space_mismatch(j, of->row, n, &mismatch);
    if (st == GR_OK) st = gr__neighbours(j, of->row, n, j->rows->row, j->rows->n, k, mismatch, of->near);
    if (st != GR_OK) return st;
    for (int64_t i = 0; i < n; i++) {
        of->others[i] = 0;
        for (int l = 0; l < k; l++) of->others[i] += j->label[j->rows->row[of->near[i * k + l]]] != class_;
    }
    double total = (double)(most - n) * gr__setting_real(j->s, "beta");
    st = share_out(j, class_, of->place, of->others, n, total, p->made_of);
    for (int64_t i = 0; i < n && st == GR_OK; i++) p->after[class_] += p->made_of[of->place[i]];
    return st;
}

static gr_status plan(const gr_balance_job *j, gr_balance_plan *p)
{
    int64_t most = gr__balance_most(j, NULL), largest = 0;
    double threshold = gr__setting_real(j->s, "threshold");
    for (int c = 0; c < j->classes; c++)
        if ((double)j->count[c] <= threshold * (double)most) largest = GR_MAX(largest, j->count[c]);
    if (largest == 0) return GR_OK;
    size_t made_bytes = sizeof(uint32_t) * (size_t)j->rows->n, k = (size_t)gr__setting_int(j->s, "k");
    size_t bytes = (size_t)largest * (sizeof(double) + sizeof(uint32_t) * (2 + k));
    p->made_of = gr__bump_alloc(j->b, made_bytes);
    double *others = p->made_of ? gr__tensor_alloc(j->ctx, bytes) : NULL;
    if (!others) return gr__error_code(j->ctx);
    memset(p->made_of, 0, made_bytes);
    p->work = bytes + gr__neighbours_work(j, (int)GR_MIN((int64_t)k, j->rows->n - 1));
    uint32_t *lists = (uint32_t *)(void *)(others + largest);
    const room of = {lists, lists + largest, lists + 2 * largest, others};
    gr_status st = GR_OK;
    for (int c = 0; c < j->classes && st == GR_OK; c++)
        if (j->count[c] && j->count[c] < most && (double)j->count[c] <= threshold * (double)most)
            st = plan_class(j, c, most, &of, p);
    gr__tensor_free(j->ctx, others, bytes);
    return st;
}

GR_BALANCE(adasyn) = {
    .head = {.family = "balance",
             .name = "adasyn",
             .title = "ADASYN: new samples of rare classes, most where they are hard to tell",
             .cite = "He et al. 2008",
             .equations =
                 "g_i = r_i / sum r (n_max - n_c) beta;  r_i: how many of the k nearest of all rows are of other "
                 "classes\n"
                 "g_i points of x = x_i + u (x_j - x_i);  j of the k nearest of the class, u ~ U[0,1)",
             GR_ROWS(rows)},
    .makes = true,
    .plan = plan,
};
