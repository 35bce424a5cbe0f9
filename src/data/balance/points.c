/* Samples between two others: x = a + u (b - a), in prepared numbers, written as what the source would have. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "data/balance/neighbours.h"
#include "data/balance/share.h"

typedef struct making {
    const gr_balance_job *j;
    bool box; /* another share for each number */
    int64_t numbers, sources;
    double *base, *other, *source, *there; /* a, b and what the source has of them */
    double *made, *room;
    int64_t at; /* the next sample that is made */
    /* of the class at hand */
    int k;
    int64_t n;
    uint32_t *row, *near; /* its rows; places of the neighbours of each */
    gr__rng rng;
} making;

/* The neighbour whose category most of them have, the nearest of such. */
static uint32_t majority(const making *m, int64_t base, int nominal, double *codes, double *x)
{
    int best = 0, most = 0;
    const uint32_t *near = m->near + base * m->k;
    for (int i = 0; i < m->k; i++) {
        gr__space_point(m->j, m->row[near[i]], x);
        codes[i] = x[m->numbers + nominal];
    }
    for (int i = 0; i < m->k; i++) {
        int alike = 0;
        for (int l = 0; l < m->k; l++) alike += codes[l] == codes[i];
        if (alike > most) most = alike, best = i;
    }
    return m->row[near[best]];
}

/* Writes what is made as the next sample. */
static void put(making *m)
{
    const double *x = m->made;
    for (int i = 0; i < m->j->set->n_inputs; i++) {
        const gr_field *f = gr__set_input(m->j->set, i);
        int64_t n = gr_shape_count(f->sample);
        char *to = (char *)f->made->data + (size_t)(m->at * n) * gr__element_bytes(f->made->element);
        gr__elements_convert(GR_EL_F64, f->made->element, x, to, n);
        x += n;
    }
    m->at++;
}

/* Categories are those of some neighbour, as its source has them. */
static void choose_categories(making *m, int64_t base, double *codes)
{
    const gr_balance_job *j = m->j;
    for (int k = 0; k < j->n_nominal; k++) {
        int64_t e = j->nominal[k].element;
        for (int i = 0; i < j->nominal[k].input; i++) e += gr_shape_count(gr__set_input(j->set, i)->sample);
        gr__space_source(j, majority(m, base, k, codes, m->other), m->there);
        m->made[e] = m->there[e];
    }
}

/* One sample of a base; codes: room for k numbers. */
static void make(making *m, int64_t base, double *codes)
{
    gr_made *made = m->j->set->made;
    uint32_t neighbour = m->row[m->near[base * m->k + (int64_t)gr__rng_below(&m->rng, (uint64_t)m->k)]];
    double u = m->box ? (double)NAN : gr__rng_uniform(&m->rng);
    gr__space_point(m->j, m->row[base], m->base);
    gr__space_point(m->j, neighbour, m->other);
    gr__space_source(m->j, m->row[base], m->source);
    gr__space_source(m->j, neighbour, m->there);
    for (int64_t e = 0; e < m->numbers; e++)
        m->base[e] += (m->box ? gr__rng_uniform(&m->rng) : u) * (m->other[e] - m->base[e]);
    gr__space_undo(m->j, m->base, m->made, m->room);
    for (int64_t e = 0; e < m->sources; e++) /* what both have alike stays to the bit; so does what is prepared away */
        if (m->source[e] == m->there[e] || isnan(m->made[e])) m->made[e] = m->source[e];
    choose_categories(m, base, codes);
    made->parent[m->at][0] = m->row[base];
    made->parent[m->at][1] = neighbour;
    made->step[m->at] = u;
    put(m);
}

static uint64_t class_bytes(const gr_balance_job *j, int64_t members)
{
    return (uint64_t)members * sizeof(uint32_t) * (2 + (uint64_t)gr__balance_k(j, members));
}

uint64_t gr__balance_make_work(const gr_balance_job *j, const gr_balance_plan *p)
{
    uint64_t most = 0;
    for (int c = 0; c < j->classes; c++) {
        if (p->after[c] <= j->count[c] || j->count[c] < 2) continue;
        uint64_t bytes = class_bytes(j, j->count[c]) + gr__neighbours_work(j, gr__balance_k(j, j->count[c]));
        most = GR_MAX(most, bytes);
    }
    return most;
}

static gr_status make_class(making *m, const gr_balance_plan *p, int class_, double *codes)
{
    const gr_balance_job *j = m->j;
    int64_t n = j->count[class_], more = p->after[class_] - n;
    double mismatch;
    if (more <= 0 || n < 2) return GR_OK;
    size_t bytes = (size_t)class_bytes(j, n);
    m->n = n;
    m->k = gr__balance_k(j, n);
    m->rng = gr__rng_make(j->seed, "balance/make", (uint32_t)class_, 0);
    m->row = gr__tensor_alloc(j->ctx, bytes);
    if (!m->row) return gr__error_code(j->ctx);
    uint32_t *place = m->row + n;
    m->near = place + n;
    gr__balance_members(j, class_, place);
    for (int64_t i = 0; i < n; i++) m->row[i] = j->rows->row[place[i]];
    gr_status st = gr__space_mismatch(j, m->row, n, &mismatch);
    if (st == GR_OK) st = gr__neighbours(j, m->row, n, m->row, n, m->k, mismatch, m->near);
    for (int64_t i = 0; i < more && !p->made_of && st == GR_OK; i++)
        make(m, (int64_t)gr__rng_below(&m->rng, (uint64_t)n), codes);
    for (int64_t i = 0; i < n && p->made_of && st == GR_OK; i++)
        for (uint32_t k = 0; k < p->made_of[place[i]]; k++) make(m, i, codes);
    gr__tensor_free(j->ctx, m->row, bytes);
    return st;
}

gr_status gr__balance_make(const gr_balance_job *j, const gr_balance_plan *p)
{
    making m = {.j = j, .numbers = gr__space_numbers(j), .sources = gr__space_sources(j)};
    m.box = gr__member_has(j->s->member, "form") && gr__setting_is(j->s, "form", "box");
    int64_t each = gr__space_room(j);
    size_t n = 6 * (size_t)each + (size_t)gr__setting_int(j->s, "k"), bytes = n * sizeof(double);
    double **const of[] = {&m.base, &m.other, &m.source, &m.there, &m.made, &m.room};
    double *all = gr__alloc(j->ctx, bytes);
    if (!all) return GR_E_MEMORY;
    for (size_t i = 0; i < GR_COUNT(of); i++) *of[i] = all + (int64_t)i * each;
    gr_status st = GR_OK;
    for (int c = 0; c < j->classes && st == GR_OK; c++) st = make_class(&m, p, c, all + 6 * each);
    gr__free(j->ctx, all, bytes);
    return st;
}
