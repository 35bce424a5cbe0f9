/* The instructions of tile programs; included twice by tile_program.isa.c, for whole chunks and for tails. */

#define UNARY(name, f)                                                                                          \
    HANDLER(name)                                                                                               \
    {                                                                                                           \
        OPEN;                                                                                                   \
        a0 = f(a0), a1 = f(a1), a2 = f(a2), a3 = f(a3), a4 = f(a4), a5 = f(a5), a6 = f(a6), a7 = f(a7);         \
        NEXT;                                                                                                   \
    }

#define ALL(statement) statement(a0, 0); statement(a1, 1); statement(a2, 2); statement(a3, 3); \
    statement(a4, 4); statement(a5, 5); statement(a6, 6); statement(a7, 7)

#define BINARY(name, f)                                                                                         \
    HANDLER(name##_m)                                                                                           \
    {                                                                                                           \
        OPEN;                                                                                                   \
        const char *qa = ADDRESS(a);                                                                            \
        a0 = f(a0, A(0)), a1 = f(a1, A(1)), a2 = f(a2, A(2)), a3 = f(a3, A(3));                                 \
        a4 = f(a4, A(4)), a5 = f(a5, A(5)), a6 = f(a6, A(6)), a7 = f(a7, A(7));                                 \
        NEXT;                                                                                                   \
    }                                                                                                           \
    HANDLER(name##_s)                                                                                           \
    {                                                                                                           \
        OPEN;                                                                                                   \
        vec x = (vec)iset(p->sa.i);                                                                             \
        a0 = f(a0, x), a1 = f(a1, x), a2 = f(a2, x), a3 = f(a3, x), a4 = f(a4, x), a5 = f(a5, x), a6 = f(a6, x), a7 = f(a7, x); \
        NEXT;                                                                                                   \
    }

#define TERNARY(name, f, qas, qbs, first, second)                                                               \
    HANDLER(name)                                                                                               \
    {                                                                                                           \
        OPEN;                                                                                                   \
        qas;                                                                                                    \
        qbs;                                                                                                    \
        a0 = f(a0, first(0), second(0)), a1 = f(a1, first(1), second(1)), a2 = f(a2, first(2), second(2));      \
        a3 = f(a3, first(3), second(3)), a4 = f(a4, first(4), second(4)), a5 = f(a5, first(5), second(5));      \
        a6 = f(a6, first(6), second(6)), a7 = f(a7, first(7), second(7));                                       \
        NEXT;                                                                                                   \
    }
#define MEMORY_A const char *qa = ADDRESS(a)
#define MEMORY_B const char *qb = ADDRESS(b)
#define SCALAR_A vec xa = (vec)iset(p->sa.i)
#define SCALAR_B vec xb = (vec)iset(p->sb.i)
#define SA(k) xa
#define SB(k) xb

HANDLER(ld_m)
{
    OPEN;
    const char *qa = ADDRESS(a);
    a0 = A(0), a1 = A(1), a2 = A(2), a3 = A(3), a4 = A(4), a5 = A(5), a6 = A(6), a7 = A(7);
    NEXT;
}

HANDLER(ld_s)
{
    OPEN;
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = (vec)iset(p->sa.i);
    NEXT;
}

/* Bytes, as integers: a quarter of the way of floats. */
HANDLER(ld_u8)
{
    OPEN;
    const uint8_t *q = (const uint8_t *)p->a + (i >> 2);
#define LOAD(a, k) a = (vec)LOAD8(q + (k) * V, k)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(iota_i)
{
    OPEN;
    ivec first = ilanes() + (int32_t)(i >> 2);
#define COUNT(a, k) a = (vec)(first + (k) * V)
    ALL(COUNT);
    NEXT;
}

HANDLER(iota_j)
{
    OPEN;
    ivec first = ilanes() + (int32_t)(j >> 2);
    ALL(COUNT);
#undef COUNT
    NEXT;
}

HANDLER(iota_row)
{
    OPEN;
    const char *q = (const char *)s->row_of + j;
    ivec row = iset((int32_t)s->row);
#define LOAD(a, k) a = (vec)((ivec)vload(q + (k) * 4 * V) + row)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(iota_column)
{
    OPEN;
    const char *q = (const char *)s->column_of + j;
#define LOAD(a, k) a = vload(q + (k) * 4 * V)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

/* One value a row, repeated for the columns: a vector of V elements touches at most V rows from its first on. */
HANDLER(ld_row)
{
    OPEN;
    const int32_t *q = (const int32_t *)((const char *)s->row_of + j);
    const float *table = (const float *)p->a + s->row;
    int64_t rows = s->rows - s->row;
#define LOAD(a, k) a = vpick(table + q[(k) * V], (ivec)vload(q + (k) * V) - q[(k) * V], rows - q[(k) * V])
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(st)
{
    OPEN;
    char *q = ADDRESS(a);
#define STORE(a, k) STOREV(q + (k) * 4 * V, a, k)
    ALL(STORE);
#undef STORE
    NEXT;
}

HANDLER(st_past)
{
    OPEN;
    char *q = ADDRESS(a);
#define STORE(a, k) STOREPAST(q + (k) * 4 * V, a, k)
    ALL(STORE);
#undef STORE
    NEXT;
}

#define NAMED(name) UNARY(name, v##name)
GR__TILE_UNARY(NAMED)
#undef NAMED
#define NAMED(name) BINARY(name, v2_##name)
GR__TILE_BINARY(NAMED)
#undef NAMED

TERNARY(madd_mm, v3_madd, MEMORY_A, MEMORY_B, A, B)
TERNARY(madd_ms, v3_madd, MEMORY_A, SCALAR_B, A, SB)
TERNARY(madd_sm, v3_madd, SCALAR_A, MEMORY_B, SA, B)
TERNARY(madd_ss, v3_madd, SCALAR_A, SCALAR_B, SA, SB)
TERNARY(addm_mm, v3_addm, MEMORY_A, MEMORY_B, A, B)
TERNARY(addm_ms, v3_addm, MEMORY_A, SCALAR_B, A, SB)
TERNARY(selc_mm, v3_selc, MEMORY_A, MEMORY_B, A, B)
TERNARY(selc_ms, v3_selc, MEMORY_A, SCALAR_B, A, SB)
TERNARY(selc_sm, v3_selc, SCALAR_A, MEMORY_B, SA, B)
TERNARY(selc_ss, v3_selc, SCALAR_A, SCALAR_B, SA, SB)
TERNARY(sela_mm, v3_sela, MEMORY_A, MEMORY_B, A, B)
TERNARY(sela_ms, v3_sela, MEMORY_A, SCALAR_B, A, SB)
TERNARY(selb_mm, v3_selb, MEMORY_A, MEMORY_B, A, B)
TERNARY(selb_ms, v3_selb, MEMORY_A, SCALAR_B, A, SB)

/* Reductions leave the accumulator as it is. The eight vectors are added as a tree, then to V sums in double. */
HANDLER(red_sum)
{
    OPEN;
    double *to = (double *)(void *)p->a;
    vec t = ((KEEP(a0, 0, 0) + KEEP(a1, 1, 0)) + (KEEP(a2, 2, 0) + KEEP(a3, 3, 0))) +
            ((KEEP(a4, 4, 0) + KEEP(a5, 5, 0)) + (KEEP(a6, 6, 0) + KEEP(a7, 7, 0)));
    *(dvec *)(void *)to += dlow(t);
    *(dvec *)(void *)(to + V / 2) += dhigh(t);
    NEXT;
}

HANDLER(red_max)
{
    OPEN;
    vec b0 = vmax(KEEP(a0, 0, -VINF), KEEP(a1, 1, -VINF)), b1 = vmax(KEEP(a2, 2, -VINF), KEEP(a3, 3, -VINF));
    vec b2 = vmax(KEEP(a4, 4, -VINF), KEEP(a5, 5, -VINF)), b3 = vmax(KEEP(a6, 6, -VINF), KEEP(a7, 7, -VINF));
    vstore(p->a, vmax(vload(p->a), vmax(vmax(b0, b1), vmax(b2, b3))));
    NEXT;
}

/* A sum for each place within the period. A chunk that reaches over the period's end is added in two parts, each with zeros for the other's
 * elements: so every place receives its elements in the order of rows, wherever chunks begin. There is room for a chunk before and after
 * the sums. */
#define COLUMNS(name, combine, neutral)                                                                         \
    HANDLER(name)                                                                                               \
    {                                                                                                           \
        OPEN;                                                                                                   \
        char *q = p->a + j;                                                                                     \
        vec x;                                                                                                  \
        if (j + CHUNK_BYTES <= s->period) {                                                                     \
            ALL(ADD_##name);                                                                                    \
        } else {                                                                                                \
            char *front = q - s->period;                                                                        \
            ivec cut = iset((int32_t)((s->period - j) >> 2));                                                   \
            ALL(SPLIT_##name);                                                                                  \
        }                                                                                                       \
        NEXT;                                                                                                   \
    }
#define ADD(a, k, combine, neutral) x = KEEP(a, k, neutral), vstore(q + (k) * 4 * V, combine(vload(q + (k) * 4 * V), x))
#define SPLIT(a, k, combine, neutral)                                                                           \
    x = KEEP(a, k, neutral);                                                                                    \
    vstore(q + (k) * 4 * V, combine(vload(q + (k) * 4 * V), vsel(ilt(ilanes() + (k) * V, cut), x, vset(neutral)))); \
    vstore(front + (k) * 4 * V, combine(vload(front + (k) * 4 * V), vsel(ilt(ilanes() + (k) * V, cut), vset(neutral), x)))
#define ADD_col_sum(a, k) ADD(a, k, v2_add, 0)
#define ADD_col_max(a, k) ADD(a, k, vmax, -VINF)
#define SPLIT_col_sum(a, k) SPLIT(a, k, v2_add, 0)
#define SPLIT_col_max(a, k) SPLIT(a, k, vmax, -VINF)
COLUMNS(col_sum, v2_add, 0)
COLUMNS(col_max, vmax, -VINF)

#undef UNARY
#undef ALL
#undef BINARY
#undef TERNARY
#undef MEMORY_A
#undef MEMORY_B
#undef SCALAR_A
#undef SCALAR_B
#undef SA
#undef SB
#undef COLUMNS
#undef ADD
#undef SPLIT
#undef ADD_col_sum
#undef ADD_col_max
#undef SPLIT_col_sum
#undef SPLIT_col_max
