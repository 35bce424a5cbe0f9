/* Running text that a model tells: what it takes for the next unit at every place, and after the last. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/source.h"

enum { LIKELIEST = 3 };

bool cli_tells_units(const gr_model *m)
{
    return m->meaning.schema.unit && !m->meaning.schema.lines;
}

/* The likeliest class of v that is none of n; -1: a number is not finite. */
static int64_t next_of(const double *v, int64_t width, const int64_t *but, int n)
{
    int64_t best = -1;
    for (int64_t k = 0; k < width; k++) {
        bool told = false;
        for (int i = 0; i < n; i++) told |= but[i] == k;
        if (!isfinite(v[k])) return -1;
        if (!told && (best < 0 || v[k] > v[best])) best = k;
    }
    return best;
}

void cli_note_units(gr_result *r, const gr_model *m, int head, const double *v, int64_t width, int64_t positions)
{
    char number[24], shown[4200];
    int64_t told[LIKELIEST];
    gr__text all;
    gr__text_init(&all, r->ctx);
    for (int64_t i = 0; i < positions; i++) {
        int64_t best = next_of(v + i * width, width, NULL, 0);
        gr__text_add(&all, "%s", best < 0 ? "\xef\xbf\xbd" : cli_class_name(m, head, best, number, sizeof number));
    }
    gr__result_note(r, "  \"%s\"", gr__shown(shown, sizeof shown, all.s ? all.s : "", all.n));
    for (int i = 0; i < GR_MIN(LIKELIEST, width); i++) {
        const double *last = v + (positions - 1) * width;
        told[i] = next_of(last, width, told, i);
        const char *name = told[i] < 0 ? NULL : cli_class_name(m, head, told[i], number, sizeof number);
        if (!name) break;
        gr__result_note(r, "%s\"%s\" %.4f", i ? "  " : "\n  then  ", gr__shown(shown, sizeof shown, name, strlen(name)),
                        last[told[i]]);
    }
    gr__text_free(&all);
}
