/* The instructions of tile programs; included twice by tile_program.isa.c, for whole chunks and for tails. */

#define ALL(statement) \
    statement(a0, 0);  \
    statement(a1, 1);  \
    statement(a2, 2);  \
    statement(a3, 3);  \
    statement(a4, 4);  \
    statement(a5, 5);  \
    statement(a6, 6);  \
    statement(a7, 7)

/* Where the vectors of an operand come from. A and B: memory. */
#define ACC(k) a##k
#define SA(k) xa
#define SB(k) xb
#define MEMORY_A const char *qa = ADDRESS(0)
#define LOAD_A a0 = A(0), a1 = A(1), a2 = A(2), a3 = A(3), a4 = A(4), a5 = A(5), a6 = A(6), a7 = A(7)
#define MEMORY_B const char *qb = ADDRESS(1)
#define SCALAR_A vec xa = (vec)iset(p->value[0].i)
#define SCALAR_B vec xb = (vec)iset(p->value[1].i)

#define MAP1(f, x) \
    a0 = f(x(0)), a1 = f(x(1)), a2 = f(x(2)), a3 = f(x(3)), a4 = f(x(4)), a5 = f(x(5)), a6 = f(x(6)), a7 = f(x(7))
#define MAP2(f, x, y)                                                               \
    a0 = f(x(0), y(0)), a1 = f(x(1), y(1)), a2 = f(x(2), y(2)), a3 = f(x(3), y(3)); \
    a4 = f(x(4), y(4)), a5 = f(x(5), y(5)), a6 = f(x(6), y(6)), a7 = f(x(7), y(7))
#define MAP3(f, x, y, z)                                                                                    \
    a0 = f(x(0), y(0), z(0)), a1 = f(x(1), y(1), z(1)), a2 = f(x(2), y(2), z(2)), a3 = f(x(3), y(3), z(3)); \
    a4 = f(x(4), y(4), z(4)), a5 = f(x(5), y(5), z(5)), a6 = f(x(6), y(6), z(6)), a7 = f(x(7), y(7), z(7))

/* Every vector is computed before the first is stored, as by two instructions: the place may be that of an operand. */
#define STORE(a, k) STOREV(q + (k)*4 * V, a, k)
#define SAVE              \
    char *q = ADDRESS(2); \
    ALL(STORE)

#define UNARY(name, f) \
    HANDLER(name)      \
    {                  \
        OPEN;          \
        MAP1(f, ACC);  \
        NEXT;          \
    }
#define JOINED_UNARY(name, f) \
    HANDLER(name##_ld)        \
    {                         \
        OPEN;                 \
        MEMORY_A;             \
        MAP1(f, A);           \
        NEXT;                 \
    }                         \
    HANDLER(name##_st)        \
    {                         \
        OPEN;                 \
        MAP1(f, ACC);         \
        SAVE;                 \
        NEXT;                 \
    }                         \
    HANDLER(name##_ld_st)     \
    {                         \
        OPEN;                 \
        MEMORY_A;             \
        MAP1(f, A);           \
        SAVE;                 \
        NEXT;                 \
    }

#define BINARY(name, f)   \
    HANDLER(name##_m)     \
    {                     \
        OPEN;             \
        MEMORY_A;         \
        MAP2(f, ACC, A);  \
        NEXT;             \
    }                     \
    HANDLER(name##_s)     \
    {                     \
        OPEN;             \
        SCALAR_A;         \
        MAP2(f, ACC, SA); \
        NEXT;             \
    }
#define JOINED(name, f, of_a, a, of_b, b) \
    HANDLER(name##_ld)                    \
    {                                     \
        OPEN;                             \
        MEMORY_A;                         \
        of_b;                             \
        MAP2(f, A, b);                    \
        NEXT;                             \
    }                                     \
    HANDLER(name##_st)                    \
    {                                     \
        OPEN;                             \
        of_a;                             \
        MAP2(f, ACC, a);                  \
        SAVE;                             \
        NEXT;                             \
    }                                     \
    HANDLER(name##_ld_st)                 \
    {                                     \
        OPEN;                             \
        MEMORY_A;                         \
        of_b;                             \
        MAP2(f, A, b);                    \
        SAVE;                             \
        NEXT;                             \
    }
#define JOINED_BINARY(name, f)                    \
    JOINED(name##_m, f, MEMORY_A, A, MEMORY_B, B) \
    JOINED(name##_s, f, SCALAR_A, SA, SCALAR_B, SB)

#define TERNARY(name, f, of_a, of_b, a, b) \
    HANDLER(name)                          \
    {                                      \
        OPEN;                              \
        of_a;                              \
        of_b;                              \
        MAP3(f, ACC, a, b);                \
        NEXT;                              \
    }                                      \
    HANDLER(name##_st)                     \
    {                                      \
        OPEN;                              \
        of_a;                              \
        of_b;                              \
        MAP3(f, ACC, a, b);                \
        SAVE;                              \
        NEXT;                              \
    }

HANDLER(ld_m)
{
    OPEN;
    MEMORY_A;
    LOAD_A;
    NEXT;
}

HANDLER(ld_s)
{
    OPEN;
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = (vec)iset(p->value[0].i);
    NEXT;
}

/* Bytes, as integers: a quarter of the way of floats. */
HANDLER(ld_u8)
{
    OPEN;
    const uint8_t *q = (const uint8_t *)p->at[0] + (i >> 2);
#define LOAD(a, k) a = (vec)LOAD8(q + (k)*V, k)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(iota_i)
{
    OPEN;
    ivec first = ilanes() + (int32_t)(i >> 2);
#define COUNT(a, k) a = (vec)(first + (k)*V)
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
#define LOAD(a, k) a = (vec)((ivec)vload(q + (k)*4 * V) + row)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(iota_column)
{
    OPEN;
    const char *q = (const char *)s->column_of + j;
#define LOAD(a, k) a = vload(q + (k)*4 * V)
    ALL(LOAD);
#undef LOAD
    NEXT;
}

/* One value a row, repeated for the columns: a vector of V elements touches at most V rows from its first on. */
HANDLER(ld_row)
{
    OPEN;
    const int32_t *q = (const int32_t *)((const char *)s->row_of + j);
    const float *table = (const float *)p->at[0] + s->row;
    int64_t rows = s->rows - s->row;
#define LOAD(a, k) a = vpick(table + q[(k)*V], (ivec)vload(q + (k)*V) - q[(k)*V], rows - q[(k)*V])
    ALL(LOAD);
#undef LOAD
    NEXT;
}

HANDLER(st)
{
    OPEN;
    char *q = ADDRESS(0);
    ALL(STORE);
    NEXT;
}

HANDLER(st_past)
{
    OPEN;
    char *q = ADDRESS(0);
#define STORE_PAST(a, k) STOREPAST(q + (k)*4 * V, a, k)
    ALL(STORE_PAST);
#undef STORE_PAST
    NEXT;
}

#define NAMED(name) UNARY(name, v##name)
GR__TILE_UNARY(NAMED)
#undef NAMED
#define NAMED(name) BINARY(name, v2_##name)
GR__TILE_BINARY(NAMED)
#undef NAMED
#define NAMED(name) JOINED_UNARY(name, v##name)
GR__TILE_JOINED_UNARY(NAMED)
#undef NAMED
#define NAMED(name) JOINED_BINARY(name, v2_##name)
GR__TILE_JOINED_BINARY(NAMED)
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
#define ADD_DOUBLES(to, low, high)      \
    ((dvec *)(void *)(to))[0] += (low); \
    ((dvec *)(void *)(to))[1] += (high)
HANDLER(red_sum)
{
    OPEN;
    vec t = ((KEEP(a0, 0, 0) + KEEP(a1, 1, 0)) + (KEEP(a2, 2, 0) + KEEP(a3, 3, 0))) +
            ((KEEP(a4, 4, 0) + KEEP(a5, 5, 0)) + (KEEP(a6, 6, 0) + KEEP(a7, 7, 0)));
    ADD_DOUBLES(p->at[0], dlow(t), dhigh(t));
    NEXT;
}

/* Squares, added up like numbers. Where they leave float's range they are taken and added in double. */
#define SQUARE(a, k) KEEP(vsquare(a), k, 0)
#define ADD_WIDE(a, k) x = KEEP(a, k, 0), low += dlow(x) * dlow(x), high += dhigh(x) * dhigh(x)
#define SQUARES(name, load, to)                                                       \
    HANDLER(name##_wide)                                                              \
    {                                                                                 \
        OPEN;                                                                         \
        dvec low = {0}, high = {0};                                                   \
        vec x;                                                                        \
        ALL(ADD_WIDE);                                                                \
        ADD_DOUBLES(p->at[to], low, high);                                            \
        NEXT;                                                                         \
    }                                                                                 \
    HANDLER(name)                                                                     \
    {                                                                                 \
        OPEN;                                                                         \
        load;                                                                         \
        vec t = ((SQUARE(a0, 0) + SQUARE(a1, 1)) + (SQUARE(a2, 2) + SQUARE(a3, 3))) + \
                ((SQUARE(a4, 4) + SQUARE(a5, 5)) + (SQUARE(a6, 6) + SQUARE(a7, 7)));  \
        if (many(veq(t, vset(VINF)))) GO(name##_wide);                                \
        ADD_DOUBLES(p->at[to], dlow(t), dhigh(t));                                    \
        NEXT;                                                                         \
    }
SQUARES(red_squares, (void)0, 0)
SQUARES(red_squares_ld, MEMORY_A; LOAD_A, 1)
#undef ADD_DOUBLES
#undef SQUARES
#undef SQUARE
#undef ADD_WIDE

HANDLER(red_max)
{
    OPEN;
    vec b0 = vmax(KEEP(a0, 0, -VINF), KEEP(a1, 1, -VINF)), b1 = vmax(KEEP(a2, 2, -VINF), KEEP(a3, 3, -VINF));
    vec b2 = vmax(KEEP(a4, 4, -VINF), KEEP(a5, 5, -VINF)), b3 = vmax(KEEP(a6, 6, -VINF), KEEP(a7, 7, -VINF));
    vstore(p->at[0], vmax(vload(p->at[0]), vmax(vmax(b0, b1), vmax(b2, b3))));
    NEXT;
}

/* A sum for each place within the period. A chunk that reaches over the period's end is added in two parts, each with
 * zeros for the other's elements: so every place receives its elements in the order of rows, wherever chunks begin.
 * There is room for a chunk before and after the sums. */
#define COLUMNS(name, combine, neutral)                       \
    HANDLER(name)                                             \
    {                                                         \
        OPEN;                                                 \
        char *q = p->at[0] + j;                               \
        vec x;                                                \
        if (j + CHUNK_BYTES <= s->period) {                   \
            ALL(ADD_##name);                                  \
        } else {                                              \
            char *front = q - s->period;                      \
            ivec cut = iset((int32_t)((s->period - j) >> 2)); \
            ALL(SPLIT_##name);                                \
        }                                                     \
        NEXT;                                                 \
    }
#define ADD(a, k, combine, neutral) x = KEEP(a, k, neutral), vstore(q + (k)*4 * V, combine(vload(q + (k)*4 * V), x))
#define SPLIT(a, k, combine, neutral)                                                                         \
    x = KEEP(a, k, neutral);                                                                                  \
    vstore(q + (k)*4 * V, combine(vload(q + (k)*4 * V), vsel(ilt(ilanes() + (k)*V, cut), x, vset(neutral)))); \
    vstore(front + (k)*4 * V, combine(vload(front + (k)*4 * V), vsel(ilt(ilanes() + (k)*V, cut), vset(neutral), x)))
#define ADD_col_sum(a, k) ADD(a, k, v2_add, 0)
#define ADD_col_max(a, k) ADD(a, k, vmax, -VINF)
#define SPLIT_col_sum(a, k) SPLIT(a, k, v2_add, 0)
#define SPLIT_col_max(a, k) SPLIT(a, k, vmax, -VINF)
COLUMNS(col_sum, v2_add, 0)
COLUMNS(col_max, vmax, -VINF)

#undef UNARY
#undef JOINED_UNARY
#undef ALL
#undef ACC
#undef MAP1
#undef MAP2
#undef MAP3
#undef STORE
#undef SAVE
#undef BINARY
#undef JOINED
#undef JOINED_BINARY
#undef TERNARY
#undef MEMORY_A
#undef LOAD_A
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
