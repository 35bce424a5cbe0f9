/* CSV labels: the different texts of a target column, numbered in sorted order. */
#include <stdlib.h>
#include <string.h>

#include "data/table/csv_table.h"

void gr__labels_free(gr_context *ctx, gr__labels *all)
{
    gr__free(ctx, all->slot, all->slots * sizeof *all->slot);
    *all = (gr__labels){0};
}

static gr__label *find(const gr__labels *all, const gr__cell *f)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < f->n; i++) hash = (hash ^ (unsigned char)f->s[i]) * UINT64_C(1099511628211);
    for (size_t i = (size_t)(hash ^ hash >> 32) & (all->slots - 1);; i = (i + 1) & (all->slots - 1)) {
        gr__label *l = &all->slot[i];
        if (!l->text || gr__cell_is(f, l->text)) return l;
    }
}

static gr_status grow(const gr__table *t, gr__labels *all)
{
    gr__labels more = {.slots = GR_MAX(all->slots * 2, 64), .n = all->n};
    more.slot = gr__alloc(t->ctx, more.slots * sizeof *more.slot);
    if (!more.slot) return GR_E_MEMORY;
    for (size_t i = 0; i < all->slots; i++) {
        if (!all->slot[i].text) continue;
        gr__cell f = {.s = all->slot[i].text, .n = strlen(all->slot[i].text)};
        *find(&more, &f) = all->slot[i];
    }
    gr__labels_free(t->ctx, all);
    *all = more;
    return GR_OK;
}

/* Hashed and kept without doubled quotes, so that growing hashes the same. *text: a copy, where that took one. */
static gr_status plain(const gr__table *t, const gr__cell *f, gr__cell *out, const char **text)
{
    *out = *f;
    *text = NULL;
    if (!f->doubled) return GR_OK;
    *text = gr__cell_text(t->memory, f);
    if (!*text) return gr__error_code(t->ctx);
    *out = (gr__cell){.s = *text, .n = strlen(*text)};
    return GR_OK;
}

gr_status gr__labels_add(const gr__table *t, gr__labels *all, const gr__cell *f, int32_t *seen)
{
    gr__cell as;
    const char *text;
    gr_status st = 2 * all->n >= all->slots ? grow(t, all) : GR_OK;
    if (st == GR_OK) st = plain(t, f, &as, &text);
    if (st != GR_OK) return st;
    gr__label *l = find(all, &as);
    if (!l->text) {
        if (!text) text = gr__cell_text(t->memory, f);
        if (!text) return gr__error_code(t->ctx);
        if (all->n + 1 >= GR__MOST_CLASSES)
            return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has more than %d different labels", t->blob->name,
                            GR__MOST_CLASSES);
        *l = (gr__label){.text = text, .seen = (int32_t)all->n++};
    }
    *seen = l->seen;
    return GR_OK;
}

gr_status gr__labels_find(const gr__table *t, const gr__labels *all, const gr__cell *f, int32_t *seen)
{
    gr__cell as;
    const char *text;
    *seen = -1;
    if (all->slots == 0) return GR_OK;
    gr_status st = plain(t, f, &as, &text);
    if (st != GR_OK) return st;
    const gr__label *l = find(all, &as);
    if (l->text) *seen = l->seen;
    return GR_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp((*(gr__label *const *)a)->text, (*(gr__label *const *)b)->text);
}

gr_status gr__labels_number(const gr__table *t, const gr__labels *all, gr_field *f, int64_t n_targets)
{
    gr__label **sorted = gr__bump_alloc(t->memory, all->n * sizeof(gr__label *));
    int32_t *class_of = gr__bump_alloc(t->memory, all->n * sizeof *class_of);
    const char **names = gr__bump_alloc(t->memory, all->n * sizeof *names);
    if (!sorted || !class_of || !names) return gr__error_code(t->ctx);
    size_t n = 0;
    for (size_t i = 0; i < all->slots; i++) {
        if (all->slot[i].text) sorted[n++] = &all->slot[i];
    }
    if (n) qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++) {
        class_of[sorted[i]->seen] = (int32_t)i;
        names[i] = sorted[i]->text;
    }
    int32_t *target = f->data;
    for (int64_t i = 0; i < n_targets; i++)
        if (target[i] >= 0) target[i] = class_of[target[i]]; /* others could not be read, and that was let through */

    f->classes = (int)n;
    f->class_names = names;
    return GR_OK;
}
