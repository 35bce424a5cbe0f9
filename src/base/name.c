/* Names: the nearest of several, and patterns. */
#include <string.h>

#include "base/text.h"

#define LONGEST 64 /* no name of ours is longer; a longer input is not a slip of the finger */

/* "Beta-2" and "beta_2" are one name to whoever types them. */
static char fold(char c)
{
    if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

/* Damerau-Levenshtein distance in its common form (optimal string alignment): insert, delete, replace, swap neighbours,
 * each 1. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    int rows[3][LONGEST + 1]; /* rows i, i-1 and i-2, in turn */
    for (size_t j = 0; j <= m; j++) rows[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            char x = fold(a[i - 1]), y = fold(b[j - 1]);
            int d = last[j - 1] + (x != y);
            d = GR_MIN(d, last[j] + 1);
            d = GR_MIN(d, now[j - 1] + 1);
            if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y) d = GR_MIN(d, before[j - 2] + 1);
            now[j] = d;
        }
    }
    return rows[n % 3][m];
}

const char *gr__nearest(const char *name, const char *const *candidates, size_t n)
{
    size_t length = strlen(name);
    const char *best = NULL;
    int best_distance = 0;
    if (length == 0 || length > LONGEST) return NULL;
    if ((best = gr__synonym(name, candidates, n)) || gr__name_is_later(name)) return best;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other == 0 || other > LONGEST) continue;
        int d = distance(name, length, candidates[i], other);
        size_t shared = GR_MIN(length, other);
        int allowed = shared < 2   ? 0
                      : shared < 5 ? 1
                                   : (int)(GR_MAX(length, other) / 3); /* a third of the letters may be wrong */
        if (d <= allowed && (!best || d < best_distance)) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}

bool gr__glob(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL; /* the last '*', and where in `name` what follows it is tried next */
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}
