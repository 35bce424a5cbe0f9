/* Instructions that are one with the load before them or the store after them: fewer steps, the same arithmetic and
 * bits. */
#include "backend/cpu/region.h"

typedef struct joined {
    gr__tile_op plain, ld, st, ld_st; /* plain: there is no such instruction */
} joined;

static const joined table[] = {
#define ST(name) {GR__T_##name, GR__T_##name, GR__T_##name##_st, GR__T_##name},
#define ALL(name) {GR__T_##name, GR__T_##name##_ld, GR__T_##name##_st, GR__T_##name##_ld_st},
#define ALL_BOTH(name) ALL(name##_m) ALL(name##_s)
    GR__TILE_TERNARY(ST) GR__TILE_JOINED_UNARY(ALL)
        GR__TILE_JOINED_BINARY(ALL_BOTH){GR__T_red_squares, GR__T_red_squares_ld, GR__T_red_squares, GR__T_red_squares},
#undef ST
#undef ALL
#undef ALL_BOTH
};

static const joined *find(gr__tile_op op)
{
    for (size_t i = 0; i < GR_COUNT(table); i++)
        if (table[i].plain == op) return &table[i];
    return NULL;
}

/* Stores past the caches and into the blocks of row reductions stay what they are. */
static bool is_plain_store(const gr__step *s)
{
    return s->op == GR__T_st && !s->past && gr__ref_in_memory(s->ref[0]);
}

int gr__steps_join(gr__step *step, int n)
{
    int to = 0;
    for (int i = 0; i < n; i++) {
        gr__step s = step[i];
        bool load = s.op == GR__T_ld_m && i + 1 < n;
        const joined *j = find(load ? step[i + 1].op : s.op);
        load &= j && j->ld != j->plain;
        if (!load) j = find(s.op);
        if (load) {
            s = (gr__step){.op = j->ld, .ref = {s.ref[0], step[i + 1].ref[0]}};
            i++;
        }
        if (j && j->st != j->plain && i + 1 < n && is_plain_store(&step[i + 1])) {
            s.op = load ? j->ld_st : j->st;
            s.ref[2] = step[++i].ref[0];
        }
        step[to++] = s;
    }
    return to;
}
