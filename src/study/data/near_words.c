/* Sequences that share most of their runs of five words. A signature of 128 least hashes stands for the set of runs; 32
 * bands of 4 find candidates, of which a pair with half the runs in common is one with a chance of 87 %, with four
 * fifths of all but certainty; the sets themselves confirm them. */
#include <stdlib.h>
#include <string.h>

#include "study/data/near.h"

enum { BANDS = 32, ROWS = GR_SIGNATURE / BANDS };

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

/* Of the run that begins at word k. */
static uint64_t run_of(const uint32_t *word, int64_t n, int64_t k)
{
    uint64_t h = 0;
    for (int64_t i = k; i < k + GR_SHINGLE && i < n; i++) h = mix(h ^ (word[i] + UINT64_C(0x9e3779b97f4a7c15)));
    return h;
}

static int64_t count_runs(int64_t words)
{
    return words == 0 ? 0 : GR_MAX(words - GR_SHINGLE + 1, 1);
}

static void sign(const uint32_t *word, int64_t n, uint32_t *out)
{
    memset(out, 0xff, sizeof *out * GR_SIGNATURE);
    for (int64_t k = 0; k < count_runs(n); k++) {
        uint64_t run = run_of(word, n, k);
        for (uint64_t p = 0; p < GR_SIGNATURE; p++) {
            uint32_t h = (uint32_t)(mix(run + p * UINT64_C(0xd1342543de82ef95)) >> 32);
            out[p] = GR_MIN(out[p], h);
        }
    }
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The different runs of a sequence, sorted; room for count_runs of them. */
static int64_t runs_of(const uint32_t *word, int64_t n, uint64_t *out)
{
    int64_t all = count_runs(n), kept = 0;
    for (int64_t k = 0; k < all; k++) out[k] = run_of(word, n, k);
    if (all) qsort(out, (size_t)all, sizeof *out, by_hash);
    for (int64_t k = 0; k < all; k++)
        if (k == 0 || out[k] != out[k - 1]) out[kept++] = out[k];
    return kept;
}

/* Jaccard's share is 4 of 5 at least. */
static bool mostly_same(const uint64_t *a, int64_t n, const uint64_t *b, int64_t m)
{
    int64_t both = 0;
    for (int64_t i = 0, j = 0; i < n && j < m;) {
        both += a[i] == b[j];
        if (a[i] <= b[j])
            j += a[i] == b[j], i++;
        else
            j++;
    }
    return 5 * both >= 4 * (n + m - both);
}

typedef struct search {
    const uint32_t *word;
    const int64_t *begin;
    gr_clusters *groups;
    uint64_t *runs[2]; /* of the two that are compared */
} search;

static int64_t take_runs(search *s, int which, int64_t i)
{
    return runs_of(s->word + s->begin[i], s->begin[i + 1] - s->begin[i], s->runs[which]);
}

typedef struct entry {
    uint64_t band;
    int64_t at;
} entry;

static int by_band(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->band != y->band) return x->band < y->band ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Each of a run of candidates against the groups that stand before it in the run. */
static void compare_run(search *s, const entry *e, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t a = -1;
        for (int64_t j = i + 1; j < n; j++) {
            if (gr__clusters_of(s->groups, e[i].at) == gr__clusters_of(s->groups, e[j].at)) continue;
            if (a < 0) a = take_runs(s, 0, e[i].at);
            int64_t b = take_runs(s, 1, e[j].at);
            if (mostly_same(s->runs[0], a, s->runs[1], b)) gr__clusters_join(s->groups, e[i].at, e[j].at);
        }
    }
}

static void search_bands(search *s, const uint32_t *signature, int64_t n, entry *e)
{
    for (int band = 0; band < BANDS; band++) {
        int64_t used = 0;
        for (int64_t i = 0; i < n; i++) {
            uint64_t h = 0;
            if (s->begin[i] == s->begin[i + 1]) continue; /* nothing is like nothing */
            for (int k = 0; k < ROWS; k++) h = mix(h ^ signature[i * GR_SIGNATURE + band * ROWS + k]);
            e[used++] = (entry){h, i};
        }
        if (used) qsort(e, (size_t)used, sizeof *e, by_band);
        for (int64_t i = 0, end; i < used; i = end) {
            for (end = i + 1; end < used && e[end].band == e[i].band; end++) {
            }
            compare_run(s, e + i, end - i);
        }
    }
}

gr_status gr__near_words(gr_context *ctx, const uint32_t *word, const int64_t *begin, int64_t n, gr_clusters *groups)
{
    int64_t most = 1;
    for (int64_t i = 0; i < n; i++) most = GR_MAX(most, count_runs(begin[i + 1] - begin[i]));
    size_t signatures = (size_t)GR_MAX(n, 1) * GR_SIGNATURE * sizeof(uint32_t),
           entries = (size_t)GR_MAX(n, 1) * sizeof(entry), runs = (size_t)most * sizeof(uint64_t);
    search s = {word, begin, groups, {NULL}};
    uint32_t *signature = gr__tensor_alloc(ctx, signatures);
    entry *e = signature ? gr__tensor_alloc(ctx, entries) : NULL;
    s.runs[0] = e ? gr__tensor_alloc(ctx, 2 * runs) : NULL;
    bool made = s.runs[0] != NULL;
    if (made) {
        s.runs[1] = s.runs[0] + most;
        for (int64_t i = 0; i < n; i++) sign(word + begin[i], begin[i + 1] - begin[i], signature + i * GR_SIGNATURE);
        search_bands(&s, signature, n, e);
        gr__tensor_free(ctx, s.runs[0], 2 * runs);
    }
    if (e) gr__tensor_free(ctx, e, entries);
    if (signature) gr__tensor_free(ctx, signature, signatures);
    return made ? GR_OK : gr__error_code(ctx);
}
