/* Balancing: from counts of classes to a list of rows. */
#include "data/balance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/rng.h"
#include "data/balance/share.h"

/* ---- settings ---- */

static bool is_number(const gr_tree *t)
{
    return t->kind == GR_TREE_INT || t->kind == GR_TREE_REAL;
}

static gr_status check_target(gr_context *ctx, const gr_tree *t)
{
    char shown[200];
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, "auto") == 0) return GR_OK;
    if (is_number(t) && t->number > 0 && t->number <= 1) return GR_OK;
    return gr__tree_fail(
        ctx, t, is_number(t) ? GR_E_RANGE : GR_E_TYPE, "target: auto, or a share of the largest class such as 0.5",
        "%s is %s", gr__tree_show(t, shown, sizeof shown), is_number(t) ? "not in (0, 1]" : "neither auto nor a share");
}

static gr_status check_categorical(gr_context *ctx, const gr_tree *t)
{
    char shown[200];
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(ctx, t, GR_E_TYPE, "such as categorical: [0, 3], or columns by name", "%s is not a list",
                             gr__tree_show(t, shown, sizeof shown));
    for (int i = 0; i < t->n; i++) {
        const gr_tree *x = t->child[i];
        bool place = x->kind == GR_TREE_INT && x->number >= 0;
        if (!place && x->kind != GR_TREE_TEXT)
            return gr__tree_fail(ctx, x, GR_E_TYPE, "such as categorical: [0, 3], or columns by name",
                                 "%s is neither a place in a sample, from 0, nor a name",
                                 gr__tree_show(x, shown, sizeof shown));
    }
    return GR_OK;
}

gr_status gr__balance_check(gr_context *ctx, const gr_settings *s)
{
    const gr_tree *target = gr__member_has(s->member, "target") ? gr__setting_tree(s, "target") : NULL;
    const gr_tree *list = gr__member_has(s->member, "categorical") ? gr__setting_tree(s, "categorical") : NULL;
    gr_status st = target ? check_target(ctx, target) : GR_OK;
    return st == GR_OK && !gr__tree_none(list) ? check_categorical(ctx, list) : st;
}

/* ---- counts ---- */

int64_t gr__balance_most(const gr_balance_job *j, int *class_)
{
    int64_t most = 0;
    for (int c = 0; c < j->classes; c++)
        if (j->count[c] > most) {
            most = j->count[c];
            if (class_) *class_ = c;
        }
    return most;
}

int64_t gr__balance_least(const gr_balance_job *j)
{
    int64_t least = 0;
    for (int c = 0; c < j->classes; c++)
        if (j->count[c] && (least == 0 || j->count[c] < least)) least = j->count[c];
    return least;
}

int64_t gr__balance_target(const gr_balance_job *j, int64_t fallback)
{
    const gr_tree *t = gr__setting_tree(j->s, "target");
    if (!is_number(t)) return fallback;
    return GR_MAX((int64_t)floor(t->number * (double)gr__balance_most(j, NULL) + 0.5), 1);
}

gr_status gr__balance_raise(const gr_balance_job *j, gr_balance_plan *p)
{
    int64_t target = gr__balance_target(j, gr__balance_most(j, NULL));
    for (int c = 0; c < j->classes; c++)
        if (j->count[c]) p->after[c] = GR_MAX(j->count[c], target);
    return GR_OK;
}

gr_status gr__balance_cut(const gr_balance_job *j, gr_balance_plan *p)
{
    int64_t target = gr__balance_target(j, gr__balance_least(j));
    for (int c = 0; c < j->classes; c++) p->after[c] = GR_MIN(j->count[c], target);
    return GR_OK;
}

bool gr__balance_cuts(const gr_balance_job *j, const gr_balance_plan *p)
{
    for (int c = 0; c < j->classes; c++)
        if (p->after[c] < j->count[c]) return true;
    return false;
}

void gr__balance_members(const gr_balance_job *j, int class_, uint32_t *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < j->rows->n; i++)
        if (j->label[j->rows->row[i]] == class_) out[n++] = (uint32_t)i;
}

int gr__balance_k(const gr_balance_job *j, int64_t members)
{
    return (int)GR_MIN(gr__setting_int(j->s, "k"), members - 1);
}

const char *gr__balance_class(const gr_balance_job *j, int class_, char text[64])
{
    if (j->class_names)
        snprintf(text, 64, "\"%.58s\"", j->class_names[class_]);
    else
        snprintf(text, 64, "%d", class_);
    return text;
}

/* A class of one sample has no neighbours. */
static bool is_made(const gr_balance *m, const gr_balance_job *j, int class_)
{
    return m->makes && j->count[class_] > 1;
}

/* What makes samples takes any number between two for one that could have been. */
static gr_status check_inputs(const gr_balance *m, const gr_balance_job *j)
{
    for (int i = 0; i < j->set->n_inputs && m->makes; i++) {
        const gr_field *x = gr__set_input(j->set, i);
        const char *why = x->vocabulary ? "holds indices, and between two of them lies no other that means something"
                          : gr__set_length(j->set, i) ? "has sequences of different lengths, between which lies none"
                          : !x->data ? "is read sample by sample, and neighbours are sought among all at once"
                                     : NULL;
        if (why)
            return gr__tree_fail(j->ctx, j->at, GR_E_CONFLICT, "oversample repeats samples as they are",
                                 "%s makes new samples, but the input \"%s\" %s", m->head.name, x->name, why);
        const gr_prepared *lasting = gr__prepare_lasting(j->prepared[i], j->n_prepared[i]);
        if (lasting)
            return gr__tree_fail(j->ctx, j->at, GR_E_CONFLICT, "let the source do it; or oversample repeats samples",
                                 "%s makes samples of prepared numbers, and %s cannot be undone", m->head.name,
                                 lasting->step->head.name);
    }
    return GR_OK;
}

gr_status gr__balance_plan_of(const gr_balance *m, const gr_balance_job *j, gr_balance_plan *out)
{
    gr_balance_plan p = {.after = gr__bump_alloc(j->b, sizeof(int64_t) * (size_t)j->classes)};
    gr_status st = p.after ? check_inputs(m, j) : gr__error_code(j->ctx);
    if (st != GR_OK) return st;
    memcpy(p.after, j->count, sizeof(int64_t) * (size_t)j->classes);
    st = m->plan(j, &p);
    for (int c = 0; c < j->classes; c++) {
        int64_t more = GR_MAX(p.after[c] - j->count[c], 0);
        p.n += p.after[c];
        *(is_made(m, j, c) ? &p.made : &p.copies) += more;
    }
    if (st == GR_OK && p.n + (int64_t)j->set->n > (int64_t)UINT32_MAX)
        st = gr__tree_fail(j->ctx, j->at, GR_E_DATA, NULL, "%lld balanced samples are more than a set may have",
                           (long long)p.n);
    if (st == GR_OK) *out = p;
    return st;
}

/* ---- rows ---- */

/* The first `take` of n places, drawn without replacement. */
static void draw(gr__rng *r, uint32_t *place, int64_t n, int64_t take)
{
    for (int64_t i = 0; i < take; i++) {
        int64_t at = i + (int64_t)gr__rng_below(r, (uint64_t)(n - i));
        uint32_t other = place[i];
        place[i] = place[at];
        place[at] = other;
    }
}

typedef struct ranked {
    gr_hardness hard;
    uint32_t place;
} ranked;

static int harder_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->hard.wrong != y->hard.wrong) return x->hard.wrong > y->hard.wrong ? -1 : 1;
    if (x->hard.miss != y->hard.miss) return x->hard.miss > y->hard.miss ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* The same of those that models get wrong, hardest first, but for a share that is drawn from all others. */
static void keep_hard(const gr_balance_job *j, uint32_t *place, int64_t n, int64_t take, gr__rng *r)
{
    int64_t random = llround(gr__setting_real(j->s, "keep_random") * (double)take);
    ranked *all = gr__tensor_alloc(j->ctx, (size_t)n * sizeof *all);
    if (!all) return;
    for (int64_t i = 0; i < n; i++) all[i] = (ranked){j->hard[place[i]], place[i]};
    qsort(all, (size_t)n, sizeof *all, harder_first);
    for (int64_t i = 0; i < n; i++) place[i] = all[i].place;
    gr__tensor_free(j->ctx, all, (size_t)n * sizeof *all);
    draw(r, place + take - random, n - take + random, random);
}

/* Marks those of a class that stay. */
static gr_status mark(const gr_balance_job *j, const gr_balance_plan *p, int class_, uint32_t *place, uint8_t *stays)
{
    int64_t n = j->count[class_], take = GR_MIN(p->after[class_], n);
    gr__rng r = gr__rng_make(j->seed, "balance/keep", (uint32_t)class_, 0);
    gr__balance_members(j, class_, place);
    if (take < n && j->hard)
        keep_hard(j, place, n, take, &r);
    else if (take < n)
        draw(&r, place, n, take);
    for (int64_t i = 0; i < take; i++) stays[place[i]] = 1;
    return gr__error_code(j->ctx);
}

/* Copies of rows of a class, drawn with replacement. */
static void copy(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p, int class_, uint32_t *place,
                 gr_rows *out)
{
    int64_t n = j->count[class_], more = is_made(m, j, class_) ? 0 : p->after[class_] - n;
    gr__rng r = gr__rng_make(j->seed, "balance/copy", (uint32_t)class_, 0);
    char text[64];
    if (more <= 0) return;
    if (m->makes)
        gr__log(j->ctx, GR_LOG_WARNING,
                "%s: class %s has one training sample, which has no neighbour: %lld copies of it are taken",
                m->head.name, gr__balance_class(j, class_, text), (long long)more);
    gr__balance_members(j, class_, place);
    for (int64_t i = 0; i < more; i++) out->row[out->n++] = j->rows->row[place[gr__rng_below(&r, (uint64_t)n)]];
}

static uint64_t list_bytes(const gr_balance_job *j)
{
    return gr__rows_bytes(gr__balance_most(j, NULL)) + (uint64_t)j->rows->n;
}

uint64_t gr__balance_work(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p)
{
    uint64_t lists = list_bytes(j), make = m->makes ? gr__balance_make_work(j, p) : 0;
    if (m->ranks && gr__balance_cuts(j, p)) lists += (uint64_t)gr__balance_most(j, NULL) * sizeof(ranked);
    return GR_MAX(lists, make);
}

/* Those that stay, in the order of the source, and the copies. */
static gr_status list(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p, gr_rows *out)
{
    size_t bytes = (size_t)list_bytes(j);
    uint32_t *place = gr__tensor_alloc(j->ctx, bytes);
    if (!place) return gr__error_code(j->ctx);
    uint8_t *stays = (uint8_t *)(place + gr__balance_most(j, NULL));
    gr_status st = GR_OK;
    memset(stays, 0, (size_t)j->rows->n);
    for (int c = 0; c < j->classes && st == GR_OK; c++) st = mark(j, p, c, place, stays);
    out->n = 0;
    for (int64_t i = 0; i < j->rows->n; i++)
        if (stays[i]) out->row[out->n++] = j->rows->row[i];
    for (int c = 0; c < j->classes && st == GR_OK; c++) copy(m, j, p, c, place, out);
    gr__tensor_free(j->ctx, place, bytes);
    return st;
}

gr_status gr__balance_apply(const gr_balance *m, const gr_balance_job *j, const gr_balance_plan *p, gr_rows *out,
                            int64_t *kept)
{
    gr_status st = gr__set_make(j->ctx, j->set, p->made, j->makes_as);
    if (st == GR_OK) st = list(m, j, p, out);
    *kept = out->n - p->copies;
    for (int64_t i = 0; i < p->made && st == GR_OK; i++) out->row[out->n++] = (uint32_t)(j->set->n + i);
    out->n = p->n;
    return st == GR_OK && p->made ? gr__balance_make(j, p) : st;
}
