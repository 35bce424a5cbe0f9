/* Which weights are the smallest, exactly, and without a copy of them: the magnitude of the last one is found digit by
 * digit, then as many of those equal to it are taken as are still wanted, the first ones. */
#include "model/edit/prune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/store.h"

enum { DIGIT = 12, DIGITS = 1 << DIGIT, PIECE = 512 };

int64_t gr__prune_count(double sparsity, int64_t n)
{
    return (int64_t)floor(sparsity * (double)n);
}

/* ---- keys: whole numbers in the order in which weights are pruned ---- */

static uint64_t key_of(double weight, double mask)
{
    uint64_t u;
    double size = fabs(weight);
    if (mask == 0) return 0;
    memcpy(&u, &size, sizeof u);
    return u + 1; /* what is not a number comes last */
}

typedef void see_fn(void *user, uint64_t key);

static void see_all(const gr_store *s, const gr_prunable *p, int n, see_fn *see, void *user)
{
    double w[PIECE], mask[PIECE];
    for (int i = 0; i < n; i++)
        for (int64_t at = 0, k; at < p[i].weight->count; at += k) {
            k = GR_MIN(p[i].weight->count - at, (int64_t)PIECE);
            gr__store_get(s, p[i].weight, at, k, w);
            gr__store_get(s, p[i].mask, at, k, mask);
            for (int64_t j = 0; j < k; j++) see(user, key_of(w[j], mask[j]));
        }
}

typedef struct digits { /* of keys that begin with `front` above bit `shift + DIGIT` */
    uint64_t front;
    int shift;
    int64_t count[DIGITS];
} digits;

static uint64_t above(uint64_t key, int bits)
{
    return bits < 64 ? key >> bits : 0;
}

static void see_digit(void *user, uint64_t key)
{
    digits *d = user;
    if (above(key, d->shift + DIGIT) == d->front) d->count[key >> d->shift & (DIGITS - 1)]++;
}

/* The key of the count-th, from 1. *equal: so many of the keys equal to it are among the first count. */
static uint64_t find_last(const gr_store *s, const gr_prunable *p, int n, int64_t count, int64_t *equal)
{
    digits d = {.front = 0};
    for (d.shift = 60; d.shift >= 0; d.shift -= DIGIT) {
        int digit = 0;
        memset(d.count, 0, sizeof d.count);
        see_all(s, p, n, see_digit, &d);
        while (count > d.count[digit]) count -= d.count[digit++];
        d.front = d.front << DIGIT | (uint64_t)digit;
    }
    *equal = count;
    return d.front;
}

/* ---- pruning ---- */

typedef struct cut {
    uint64_t last;
    int64_t left; /* of those equal to it */
} cut;

static bool falls(cut *c, uint64_t key)
{
    return key < c->last || (key == c->last && c->left-- > 0);
}

static void prune_entry(gr_store *s, const gr_prunable *p, cut *c)
{
    for (int64_t i = 0; i < p->weight->count; i++) {
        double w, mask, zero = 0;
        int64_t at = gr__offset_in_memory(&p->weight->spec, i);
        gr__store_get(s, p->weight, at, 1, &w);
        gr__store_get(s, p->mask, at, 1, &mask);
        if (!falls(c, key_of(w, mask))) continue;
        gr__store_put(s, p->weight, at, 1, 1, &zero);
        gr__store_put(s, p->mask, at, 1, 1, &zero);
    }
}

int64_t gr__mask_zeros(const gr_store *s, const gr_entry *mask)
{
    double x[PIECE];
    int64_t zeros = 0;
    for (int64_t at = 0, n; at < mask->count; at += n) {
        n = GR_MIN(mask->count - at, (int64_t)PIECE);
        gr__store_get(s, mask, at, n, x);
        for (int64_t k = 0; k < n; k++) zeros += x[k] == 0;
    }
    return zeros;
}

void gr__prune(gr_store *s, const gr_prunable *p, int n, int64_t count)
{
    int64_t already = 0;
    cut c;
    for (int i = 0; i < n; i++) already += gr__mask_zeros(s, p[i].mask);
    if (count <= already) return;
    c.last = find_last(s, p, n, count, &c.left);
    for (int i = 0; i < n; i++) prune_entry(s, &p[i], &c);
}

/* ---- holding ---- */

static void hold(gr_store *s, const gr_entry *mask, const gr_entry *e)
{
    double x[PIECE], m[PIECE];
    for (int64_t at = 0, n; at < e->count; at += n) {
        n = GR_MIN(e->count - at, (int64_t)PIECE);
        gr__store_get(s, mask, at, n, m);
        gr__store_get(s, e, at, n, x);
        for (int64_t k = 0; k < n; k++) x[k] = m[k] == 0 ? 0 : x[k];
        gr__store_put(s, e, at, 1, n, x);
    }
}

void gr__masks_hold(gr_store *s, const char *const *slots)
{
    char name[512];
    for (int i = 0; i < gr_store_count(s); i++) {
        const gr_entry *e = gr_store_entry(s, i), *mask = e->spec.slot ? NULL : gr__mask_find(s, e->spec.name);
        if (!mask) continue;
        hold(s, mask, e);
        for (const char *const *slot = slots; *slot; slot++) {
            snprintf(name, sizeof name, "%s/%s", e->spec.name, *slot);
            const gr_entry *of = gr_store_find(s, name);
            if (of) hold(s, mask, of);
        }
    }
}

/* ---- files ---- */

gr_status gr__masks_listed(gr__bump *b, const gr_st *file, const char *const **names, int *n)
{
    const size_t tail = sizeof GR_MASK - 1;
    int count = gr__st_count(file);
    const char **list = gr__bump_alloc(b, sizeof *list * ((size_t)count + 1));
    if (!list) return GR_E_MEMORY;
    *n = 0;
    for (int i = 0; i < count; i++) {
        const char *name = gr__st_at(file, i)->name;
        size_t length = strlen(name);
        if (length <= tail || strcmp(name + length - tail, GR_MASK) != 0) continue;
        if (!(list[*n] = gr__bump_format(b, "%.*s", (int)(length - tail), name))) return GR_E_MEMORY;
        ++*n;
    }
    *names = list;
    return GR_OK;
}
