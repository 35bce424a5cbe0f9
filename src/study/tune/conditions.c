/* Which spaces apply beside which choices, found by asking the recipe; and spaces that no recipe can have. */
#include <math.h>
#include <string.h>

#include "study/tune/searched.h"

/* What would change what trials are judged by, or which rows the test part has. */
static const char *const judged[] = {"seed", "data.split", "data.source", "data.validation", "data.test", "best_by"};

static bool begins(const char *key, const char *with)
{
    size_t n = strlen(with);
    return strncmp(key, with, n) == 0 && (key[n] == 0 || key[n] == '.' || key[n] == '[');
}

static gr_status check_key(gr_context *ctx, const char *key)
{
    for (size_t i = 0; i < GR_COUNT(judged); i++)
        if (begins(key, judged[i]) || (begins(judged[i], key) && strcmp(judged[i], key) != 0)) {
            gr__fail(ctx, GR_E_USAGE, "--try %s: it would change what trials are judged by", key);
            gr__error_hint(ctx, "trials are compared on the same validation rows, from the same seed; search what is "
                                "trained");
            return GR_E_USAGE;
        }
    return GR_OK;
}

/* Whether the recipe takes the value of space s, all it lies within or depends on being as p says: GR_OK, or why not.
 */
static gr_status ask(const gr_searched *s, const gr_spaces *all, const gr_point *p)
{
    gr_recipe *r = NULL;
    gr_status st = gr__searched_recipe(s, s->ctx, all, p, &r);
    if (r) gr__recipe_close(s->ctx, r);
    return st;
}

/* Both ends, or all choices: the best that comes of them. GR_E_KEY where the key is not known with any. */
static gr_status ask_ends(const gr_searched *s, const gr_spaces *all, int k, gr_point *p)
{
    const gr_space *space = &all->at[k];
    bool choices = space->kind == GR_SPACE_CHOICES;
    gr_status st = GR_OK;
    for (int i = 0, n = choices ? space->n_choices : 2; i < n; i++) {
        p->at[k] = choices ? i : i == 0 ? space->low : space->high;
        gr_context_clear_error(s->ctx);
        st = ask(s, all, p);
        if (st == GR_OK || st == GR_E_MEMORY) break;
    }
    return st;
}

/* Lets p have values of all that space k wants beside it. */
static void meet(const gr_spaces *all, int k, gr_point *p)
{
    for (int i = 0; i < all->at[k].n_when; i++) {
        int other = all->at[k].when[i].space, choice = 0;
        while (!(all->at[k].when[i].choices >> choice & 1)) choice++;
        p->at[other] = choice;
        meet(all, other, p);
    }
}

static gr_status settle_one(const gr_searched *s, gr_spaces *all, int k)
{
    int above = gr__spaces_above(all, k);
    uint64_t known = 0, every;
    gr_status st = GR_OK;
    gr_point p;
    for (int i = 0; i < GR_MOST_SPACES; i++) p.at[i] = NAN;
    meet(all, k, &p);
    if (above < 0 || !isnan(p.at[above])) return ask_ends(s, all, k, &p);
    every = all->at[above].n_choices == GR_MOST_CHOICES ? ~UINT64_C(0) : (UINT64_C(1) << all->at[above].n_choices) - 1;
    for (int i = 0; i < all->at[above].n_choices; i++) {
        p.at[above] = i;
        st = ask_ends(s, all, k, &p);
        if (st == GR_E_MEMORY) return st;
        if (st != GR_E_KEY && st != GR_E_NAME) known |= UINT64_C(1) << i;
    }
    if (known == 0) return st;
    gr_context_clear_error(s->ctx);
    return known == every ? GR_OK : gr__space_limit(s->ctx, all, k, above, known);
}

gr_status gr__searched_settle(gr_searched *s, gr_spaces *spaces)
{
    gr_status st = GR_OK;
    for (int k = 0; k < spaces->n && st == GR_OK; k++) {
        st = check_key(s->ctx, spaces->at[k].key);
        if (st == GR_OK) st = settle_one(s, spaces, k);
    }
    s->spaces = spaces;
    return st;
}
