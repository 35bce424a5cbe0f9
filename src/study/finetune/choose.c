/* Which tensors a list of layers means, and the fewest patterns that say which tensors are meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/finetune/finetune.h"

/* ---- from names to tensors ---- */

static bool begins_with(const char *tensor, const char *name)
{
    size_t n = strlen(name);
    return strncmp(tensor, name, n) == 0 && (tensor[n] == '.' || tensor[n] == 0);
}

static const char *layer_name(gr__bump *b, const char *tensor)
{
    const char *dot = strrchr(tensor, '.');
    return dot ? gr__bump_format(b, "%.*s", (int)(dot - tensor), tensor) : tensor;
}

static gr_status fail_name(const gr_tuning *t, const char *what, const char *name)
{
    enum { MOST = 1024 };
    const char *names[MOST] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < t->n && n < MOST; i++) {
        const char *layer = t->tensor[i].absent ? NULL : layer_name(t->b, t->tensor[i].name);
        if (layer && (n == 0 || strcmp(names[n - 1], layer) != 0)) names[n++] = layer;
    }
    const char *near = gr__nearest(name, names, n);
    gr__fail(t->ctx, GR_E_NAME, "--%s %s: no layer with parameters is called so, and no tensor matches", what, name);
    if (near)
        gr__error_hint(t->ctx, "did you mean %s?", near);
    else
        gr__error_hint(t->ctx,
                       "a layer's name, the beginning of several (layer4), a pattern of tensor names (c1.*), or "
                       "how many from the end; the last layer is %s",
                       n ? names[n - 1] : "none");
    return GR_E_NAME;
}

static gr_status choose_last(const gr_tuning *t, const char *what, const char *text, bool *chosen)
{
    long n = strcmp(text, "last") == 0 ? 1 : strtol(text, NULL, 10);
    if (n < 1 || n > t->n_layers)
        return gr__fail(t->ctx, GR_E_RANGE, "--%s %s: the network has %d layers with parameters", what, text,
                        t->n_layers);
    for (size_t i = 0; i < t->n; i++)
        if (t->tensor[i].layer >= 0 && t->tensor[i].layer < n) chosen[i] = true;
    return GR_OK;
}

static gr_status choose_one(const gr_tuning *t, const char *what, const char *name, bool *chosen)
{
    bool any = false, number = *name && strspn(name, "0123456789") == strlen(name);
    if (number || strcmp(name, "last") == 0) return choose_last(t, what, name, chosen);
    for (size_t i = 0; i < t->n; i++) {
        if (!begins_with(t->tensor[i].name, name) && !gr__glob(name, t->tensor[i].name)) continue;
        chosen[i] = any = true;
    }
    return any ? GR_OK : fail_name(t, what, name);
}

gr_status gr__tuning_choose(const gr_tuning *t, const char *what, const char *list, bool *chosen)
{
    gr_status st = GR_OK;
    if (!list || strcmp(list, "none") == 0) return GR_OK;
    for (const char *s = list; st == GR_OK; s++) {
        size_t n = strcspn(s, ","), blanks = strspn(s, " ");
        const char *name = gr__bump_format(t->b, "%.*s", (int)(n - GR_MIN(blanks, n)), s + GR_MIN(blanks, n));
        if (!name) return GR_E_MEMORY;
        st = choose_one(t, what, name, chosen);
        s += n;
        if (!*s) break;
    }
    return st;
}

/* ---- from tensors to patterns ---- */

static bool covers(const gr_tuning *t, const int *class, const char *pattern, int of)
{
    for (size_t i = 0; i < t->n; i++)
        if (class[i] != of && gr__glob(pattern, t->tensor[i].name)) return false;
    return true;
}

/* "a.*", "a.b.*", ..., "*.weight", the name itself: the first that matches nothing of another class. */
static const char *widest(const gr_tuning *t, const int *class, size_t i)
{
    const char *name = t->tensor[i].name;
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
        const char *pattern = gr__bump_format(t->b, "%.*s.*", (int)(dot - name), name);
        if (!pattern || covers(t, class, pattern, class[i])) return pattern;
    }
    const char *last = strrchr(name, '.'), *pattern = last ? gr__bump_format(t->b, "*%s", last) : name;
    return pattern && covers(t, class, pattern, class[i]) ? pattern : name;
}

gr_status gr__tuning_patterns(const gr_tuning *t, const int *class, int but, gr_tuned_add *add, void *user)
{
    bool *said = gr__bump_alloc(t->b, t->n + 1);
    if (!said) return GR_E_MEMORY;
    for (size_t i = 0; i < t->n; i++) {
        if (class[i] == but || said[i]) continue;
        const char *pattern = widest(t, class, i);
        if (!pattern || !add(user, pattern, i)) return GR_E_MEMORY;
        for (size_t k = i; k < t->n; k++) said[k] |= gr__glob(pattern, t->tensor[k].name);
    }
    return GR_OK;
}
