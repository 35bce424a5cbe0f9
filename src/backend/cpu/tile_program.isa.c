/* The interpreter of tile programs for one instruction set: handlers that jump to each other with the accumulator in
 * eight vector registers.
 *
 * A compiler makes the jumps only when it optimises; GR_TILE_LOOP calls the same handlers from a loop, for sanitizers
 * and coverage. After the last chunk upper halves of registers are cleared: scalar code behind it would run several
 * times slower otherwise. */
#include "backend/cpu/tile.h"

#include "backend/cpu/vec_math.h"

#define CHUNK (8 * V)
#define CHUNK_BYTES (4 * CHUNK)

/* ---- what instructions compute ---- */

/* clang-format off */
INLINE vec vreal(vec x) { return vfromint((ivec)x); }
INLINE vec vsquare(vec x) { return x * x; }
INLINE vec vrecip(vec x) { return 1 / x; }
INLINE vec vrelu(vec x) { return vsel(vle(x, vset(0)), vset(0), x); }
INLINE vec vsign(vec x) { return vsel(vlt(vset(0), x), vset(1), vsel(vlt(x, vset(0)), vset(-1), x)); }
INLINE vec vone(mask m) { return vsel(m, vset(1), vset(0)); }

INLINE vec v2_add(vec a, vec x) { return a + x; }
INLINE vec v2_sub(vec a, vec x) { return a - x; }
INLINE vec v2_rsub(vec a, vec x) { return x - a; }
INLINE vec v2_mul(vec a, vec x) { return a * x; }
INLINE vec v2_div(vec a, vec x) { return a / x; }
INLINE vec v2_rdiv(vec a, vec x) { return x / a; }
INLINE vec v2_max(vec a, vec x) { return vmax(a, x); }
INLINE vec v2_rmax(vec a, vec x) { return vmax(x, a); }
INLINE vec v2_min(vec a, vec x) { return vmin(a, x); }
INLINE vec v2_rmin(vec a, vec x) { return vmin(x, a); }
INLINE vec v2_lt(vec a, vec x) { return vone(vlt(a, x)); }
INLINE vec v2_rlt(vec a, vec x) { return vone(vlt(x, a)); }
INLINE vec v2_le(vec a, vec x) { return vone(vle(a, x)); }
INLINE vec v2_rle(vec a, vec x) { return vone(vle(x, a)); }
INLINE vec v2_eq(vec a, vec x) { return vone(veq(a, x)); }
INLINE vec v2_ilt(vec a, vec x) { return vone(ilt((ivec)a, (ivec)x)); }
INLINE vec v2_irlt(vec a, vec x) { return vone(ilt((ivec)x, (ivec)a)); }
INLINE vec v2_ile(vec a, vec x) { return vone(ile((ivec)a, (ivec)x)); }
INLINE vec v2_irle(vec a, vec x) { return vone(ile((ivec)x, (ivec)a)); }
INLINE vec v2_ieq(vec a, vec x) { return vone(ieq((ivec)a, (ivec)x)); }
INLINE vec v3_madd(vec a, vec x, vec y) { return vmadd(a, x, y); }
INLINE vec v3_addm(vec a, vec x, vec y) { return vmadd(x, y, a); }
INLINE vec v3_selc(vec a, vec x, vec y) { return vsel(vne(a, vset(0)), x, y); }
INLINE vec v3_sela(vec a, vec x, vec y) { return vsel(vne(x, vset(0)), a, y); }
INLINE vec v3_selb(vec a, vec x, vec y) { return vsel(vne(x, vset(0)), y, a); }
/* clang-format on */

/* ---- how they are called ---- */

#define GLUE2(a, b) a##b
#define GLUE(a, b) GLUE2(a, b)
#define ADDRESS(n) (p->at[n] + (i & p->with_i[n]) + (j & p->with_j[n]))
#define OPEN_PLACE (void)p, (void)s, (void)i, (void)j

#ifdef GR_TILE_LOOP

typedef int handler(const gr__ins *p, gr__tile_state *s, int64_t i, int64_t j);
#define HANDLER(name) static int GLUE(name, FORM)(const gr__ins *p, gr__tile_state *s, int64_t i, int64_t j)
#define OPEN                   \
    OPEN_PLACE;                \
    vec *acc = s->accumulator; \
    vec a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3], a4 = acc[4], a5 = acc[5], a6 = acc[6], a7 = acc[7]
#define KEPT acc[0] = a0, acc[1] = a1, acc[2] = a2, acc[3] = a3, acc[4] = a4, acc[5] = a5, acc[6] = a6, acc[7] = a7
#define NEXT return KEPT, 0
#define GO(name) return KEPT, GLUE(name, FORM)(p, s, i, j)

#else

typedef int handler(const gr__ins *p, gr__tile_state *s, int64_t i, int64_t j, vec a0, vec a1, vec a2, vec a3, vec a4,
                    vec a5, vec a6, vec a7);
#if defined(__has_attribute)
#if __has_attribute(musttail)
#define JUMP __attribute__((musttail)) return
#endif
#endif
#ifndef JUMP
#define JUMP return
#endif
#define HANDLER(name)                                                                                              \
    static int GLUE(name, FORM)(const gr__ins *p, gr__tile_state *s, int64_t i, int64_t j, vec a0, vec a1, vec a2, \
                                vec a3, vec a4, vec a5, vec a6, vec a7)
#define OPEN OPEN_PLACE
#define NEXT JUMP((handler *)p[1].WHICH)(p + 1, s, i, j, a0, a1, a2, a3, a4, a5, a6, a7)
#define GO(name) JUMP GLUE(name, FORM)(p, s, i, j, a0, a1, a2, a3, a4, a5, a6, a7) /* in place of this one */

#endif

/* Steps over n elements. */
INLINE void step(gr__tile_state *s, int64_t *i, int64_t *j, int64_t bytes)
{
    *i += bytes;
    *j += bytes;
    if (*j >= s->period) {
        *j -= s->period;
        s->row += s->rows_a_period;
    }
}

#if defined(__aarch64__)
#define GR_ORDER(x) "+w"(x)
#elif defined(GR_ISA_AVX512)
#define GR_ORDER(x) "+v"(x)
#else
#define GR_ORDER(x) "+x"(x)
#endif
/* Keeps the loads of a chunk in ascending order. A compiler turns them round, which costs half of the bandwidth where
 * operands come from memory: the processor's prefetching follows ascending addresses. */
INLINE vec ordered(vec x)
{
    __asm__ volatile("" : GR_ORDER(x));
    return x;
}

#define FORM _full
#define WHICH full
#define A(k) ordered(vload(qa + (k)*4 * V))
#define B(k) ordered(vload(qb + (k)*4 * V))
#define LOAD8(q, k) iload8(q)
#define STOREV(q, x, k) vstore(q, x)
#define STOREPAST(q, x, k) vstorepast(q, x)
#define KEEP(x, k, neutral) (x)
#include "backend/cpu/tile_handlers.h"

HANDLER(end)
{
#ifndef GR_TILE_LOOP
    step(s, &i, &j, CHUNK_BYTES);
    p = s->program;
    if (i + CHUNK_BYTES <= s->end) JUMP((handler *)p->full)(p, s, i, j, a0, a1, a2, a3, a4, a5, a6, a7);
#else
    (void)p;
    step(s, &i, &j, CHUNK_BYTES);
#endif
    s->i = i;
    s->j = j;
    return 0;
}

#undef FORM
#undef WHICH
#undef A
#undef B
#undef LOAD8
#undef STOREV
#undef STOREPAST
#undef KEEP
#define FORM _tail
#define WHICH tail
#define LANES(k) (((const lanes *)(const void *)s->tail)[k])
#define A(k) vloadl(qa + (k)*4 * V, LANES(k))
#define B(k) vloadl(qb + (k)*4 * V, LANES(k))
#define LOAD8(q, k) iload8l(q, LANES(k))
#define STOREV(q, x, k) vstorel(q, x, LANES(k))
#define STOREPAST(q, x, k) vstorel(q, x, LANES(k))
#define KEEP(x, k, neutral) vkeep(x, LANES(k), neutral)
#include "backend/cpu/tile_handlers.h"

HANDLER(end)
{
#ifndef GR_TILE_LOOP
    (void)a0, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
#endif
    (void)p;
    step(s, &i, &j, 4 * s->left);
    s->i = i;
    s->j = j;
    return 0;
}

/* ---- running ---- */

/* Whole chunks, as many as there are (the loop form: one), or the tail. */
static void start(gr__tile_state *s, bool tail)
{
    const gr__ins *p = s->program;
#ifdef GR_TILE_LOOP
    int64_t i = s->i, j = s->j;
    bool last;
    do {
        last = p->full == (gr__tile_handler)end_full;
        ((handler *)(tail ? p->tail : p->full))(p, s, i, j);
        p++;
    } while (!last);
#else
    vec z = vset(0);
    ((handler *)(tail ? p->tail : p->full))(p, s, s->i, s->j, z, z, z, z, z, z, z, z);
#endif
}

static void run(gr__tile_state *s, int64_t i, int64_t end, int64_t j)
{
    s->i = i;
    s->j = j;
    s->end = end;
#ifdef GR_TILE_LOOP
    vec accumulator[8] = {{0}};
    s->accumulator = accumulator;
#endif
    while (s->i + CHUNK_BYTES <= end) start(s, false);
    s->left = (end - s->i) / 4;
    if (s->left > 0) {
        for (int k = 0; k < 8 && s->tail_of != s->left; k++) ((lanes *)(void *)s->tail)[k] = lfirst(s->left - k * V);
        s->tail_of = s->left;
        start(s, true);
    }
    vend();
}

enum { TOGETHER = 8 }; /* rows whose sums grow side by side: one alone waits for each addition */

INLINE double larger(double a, double b)
{
    return a < b || b != b ? b : a;
}

INLINE void few_rows(bool max, const float *x, int64_t columns, int n, float *y)
{
    double sum[TOGETHER];
    for (int r = 0; r < n; r++) sum[r] = max ? -(double)VINF : 0;
    for (int64_t c = 0; c < columns; c++)
        for (int r = 0; r < n; r++)
            sum[r] = max ? larger(sum[r], (double)x[r * columns + c]) : sum[r] + (double)x[r * columns + c];
    for (int r = 0; r < n; r++) y[r] = (float)sum[r];
}

static void narrow_rows(bool max, const float *x, int64_t rows, int64_t columns, float *y)
{
    int64_t r = 0;
    for (; r + TOGETHER <= rows; r += TOGETHER) {
        if (max)
            few_rows(true, x + r * columns, columns, TOGETHER, y + r);
        else
            few_rows(false, x + r * columns, columns, TOGETHER, y + r);
    }
    for (; r < rows; r++) few_rows(max, x + r * columns, columns, 1, y + r);
}

/* n sums from `from` on, each of `rows` numbers, `columns` apart. */
INLINE void flush_some(bool max, float *from, double *to, int64_t columns, int64_t n, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++, from += columns)
        for (int64_t c = 0; c < n; c++) {
            to[c] = max ? larger(to[c], (double)from[c]) : to[c] + (double)from[c];
            from[c] = max ? -VINF : 0;
        }
}

static void flush(bool max, float *from, double *to, int64_t columns, int64_t rows)
{
    if (columns >= V) {
        flush_some(max, from, to, columns, columns, rows);
        return;
    }
    for (int64_t c = 0; c < columns; c++) { /* few: one after the other, in a register */
        double sum = to[c];
        flush_some(max, from + c, &sum, columns, 1, rows);
        to[c] = sum;
    }
}

static void fence(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

#define BOTH(name) [GR__T_##name] = {(gr__tile_handler)name##_full, (gr__tile_handler)name##_tail},
#define FOUR(name) BOTH(name##_m) BOTH(name##_s)
#define STORED(name) BOTH(name##_st)
#define JOINED_ONE(name) BOTH(name##_ld) BOTH(name##_st) BOTH(name##_ld_st)
#define JOINED_TWO(name) JOINED_ONE(name##_m) JOINED_ONE(name##_s)
extern const gr__tile_set GR_ISA_FN(gr__tile_set);
const gr__tile_set GR_ISA_FN(gr__tile_set) = {
    .lanes = V,
    .op = {GR__TILE_OTHER(BOTH) GR__TILE_TERNARY(BOTH) GR__TILE_UNARY(BOTH) GR__TILE_BINARY(FOUR)
               GR__TILE_TERNARY(STORED) GR__TILE_JOINED_UNARY(JOINED_ONE) GR__TILE_JOINED_BINARY(JOINED_TWO)},
    .run = run,
    .narrow_rows = narrow_rows,
    .fence = fence,
    .flush = flush,
};
