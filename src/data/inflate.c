/* Deflate: blocks of literals and of copies from the last 32 KiB, under two prefix codes that a block may bring along.
 *
 * Content is made in a buffer whose front holds the window that copies reach back into; what the buffer holds is handed
 * out before more is made. Codes of up to FAST bits are looked up at once, longer ones length by length. */
#include "data/inflate.h"

#include <string.h>

enum {
    WINDOW = 32 << 10,
    ROOM = 64 << 10,  /* made at a time, beside the window */
    INPUT = 32 << 10, /* packed bytes read at a time */
    LONGEST_COPY = 258,
    MOST_BITS = 15,
    FAST = 10,
    LITERALS = 288,
    DISTANCES = 32,
};

typedef struct code {
    uint16_t fast[1 << FAST];      /* symbol << 4 | bits; 0: longer, or none */
    uint16_t count[MOST_BITS + 1]; /* symbols with a code of so many bits */
    uint16_t symbol[LITERALS];     /* in the order of their codes */
} code;

typedef enum block { BLOCK_NONE, BLOCK_STORED, BLOCK_CODED, BLOCK_END } block;

struct gr__inflater {
    gr_context *ctx;
    gr__packed_fn next;
    void *user;
    gr_status st; /* of the source */
    uint64_t bits;
    int n_bits;
    int beyond; /* zero bytes that stand in for packed ones after their end; they are in `bits` */
    size_t in_at, in_n;
    block block;
    bool last, damaged;
    size_t stored;      /* bytes left of a stored block */
    size_t given, made; /* of `out` */
    code literals, distances;
    unsigned char in[INPUT], out[WINDOW + ROOM];
};

gr_status gr__inflater_create(gr_context *ctx, gr__packed_fn next, void *user, gr__inflater **out)
{
    gr__inflater *z = gr__alloc(ctx, sizeof *z);
    if (!z) return GR_E_MEMORY;
    z->ctx = ctx;
    z->next = next;
    z->user = user;
    *out = z;
    return GR_OK;
}

void gr__inflater_destroy(gr__inflater *z)
{
    if (z) gr__free(z->ctx, z, sizeof *z);
}

void gr__inflater_begin(gr__inflater *z)
{
    z->block = BLOCK_NONE;
    z->last = z->damaged = false;
    z->given = z->made = 0;
}

/* ---- bits ---- */

static bool next_byte(gr__inflater *z, unsigned char *byte)
{
    if (z->in_at == z->in_n) {
        z->in_at = z->in_n = 0;
        if (z->st == GR_OK) z->st = z->next(z->user, z->in, sizeof z->in, &z->in_n);
        if (z->st != GR_OK) z->in_n = 0;
        if (z->in_n == 0) return false;
    }
    *byte = z->in[z->in_at++];
    return true;
}

/* At least n <= 32 bits; zeros follow the end. Where eight bytes can be read at once, what does not fit stays above
 * n_bits, where the same bytes are added again. */
static void need(gr__inflater *z, int n)
{
    if (z->n_bits >= n) return;
    if (z->in_n - z->in_at >= 8) {
        unsigned char const *p = z->in + z->in_at;
        uint64_t eight = 0;
        for (int i = 0; i < 8; i++) eight |= (uint64_t)p[i] << (8 * i); /* one load */
        z->bits |= eight << z->n_bits;
        int bytes = (63 - z->n_bits) / 8;
        z->in_at += (size_t)bytes;
        z->n_bits += 8 * bytes;
        return;
    }
    while (z->n_bits < n) {
        unsigned char byte = 0;
        if (!next_byte(z, &byte)) z->beyond++;
        z->bits |= (uint64_t)byte << z->n_bits;
        z->n_bits += 8;
    }
}

static void drop(gr__inflater *z, int n)
{
    z->bits >>= n;
    z->n_bits -= n;
}

static unsigned take(gr__inflater *z, int n)
{
    if (n == 0) return 0;
    need(z, n);
    unsigned x = (unsigned)(z->bits & ((UINT64_C(1) << n) - 1));
    drop(z, n);
    return x;
}

/* Whether bits were taken that no packed byte held. */
static bool overrun(const gr__inflater *z)
{
    return z->n_bits < 8 * z->beyond;
}

gr_status gr__inflater_bytes(gr__inflater *z, unsigned char *to, size_t n, size_t *got)
{
    drop(z, z->n_bits & 7);
    z->bits &= (UINT64_C(1) << z->n_bits) - 1;
    for (*got = 0; *got < n; ++*got) {
        size_t direct = GR_MIN(n - *got, z->in_n - z->in_at);
        if (z->n_bits > 8 * z->beyond) {
            to[*got] = (unsigned char)take(z, 8);
        } else if (z->beyond || (!direct && !next_byte(z, &to[*got]))) {
            break;
        } else if (direct) {
            memcpy(to + *got, z->in + z->in_at, direct);
            z->in_at += direct;
            *got += direct - 1;
        }
    }
    return z->st;
}

/* ---- codes ---- */

static unsigned reversed(unsigned x, int bits)
{
    unsigned r = 0;
    for (int i = 0; i < bits; i++) r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}

/* The code whose symbols have these lengths. false: more codes than there are; or fewer, but for a single one of one
 * bit, or none at all where that is `allowed`: a block without copies needs no distances. */
static bool make_code(code *c, const unsigned char *length, int n, bool none_allowed)
{
    uint16_t next[MOST_BITS + 2] = {0}, value[MOST_BITS + 2] = {0};
    int left = 1, most = 0;
    memset(c, 0, sizeof *c);
    for (int i = 0; i < n; i++) c->count[length[i]]++;
    c->count[0] = 0;
    for (int b = 1; b <= MOST_BITS; b++) {
        left = 2 * left - c->count[b];
        if (left < 0) return false;
        if (c->count[b]) most = b;
        next[b + 1] = (uint16_t)(next[b] + c->count[b]);
        value[b + 1] = (uint16_t)((value[b] + c->count[b]) << 1);
    }
    if (left > 0 && (most > 1 || (most == 0 && !none_allowed))) return false;
    for (int i = 0; i < n; i++) {
        int b = length[i];
        if (!b) continue;
        c->symbol[next[b]++] = (uint16_t)i;
        unsigned bits = reversed(value[b]++, b);
        for (; b <= FAST && bits < 1u << FAST; bits += 1u << b) c->fast[bits] = (uint16_t)(i << 4 | b);
    }
    return true;
}

/* The next symbol; -1: no code is like that. */
static int symbol(gr__inflater *z, const code *c)
{
    need(z, MOST_BITS);
    unsigned fast = c->fast[z->bits & ((1 << FAST) - 1)];
    if (fast) {
        drop(z, (int)(fast & 15));
        return (int)(fast >> 4);
    }
    int value = 0, first = 0, index = 0;
    for (int b = 1; b <= MOST_BITS; b++) {
        value |= (int)(z->bits >> (b - 1) & 1);
        if (value - first < c->count[b]) {
            drop(z, b);
            return c->symbol[index + value - first];
        }
        index += c->count[b];
        first = (first + c->count[b]) << 1;
        value <<= 1;
    }
    return -1;
}

/* ---- blocks ---- */

static bool read_stored(gr__inflater *z)
{
    drop(z, z->n_bits & 7);
    unsigned n = take(z, 16), inverse = take(z, 16);
    z->stored = n;
    z->block = BLOCK_STORED;
    return !overrun(z) && (n ^ inverse) == 0xFFFF;
}

static bool fixed_codes(gr__inflater *z)
{
    unsigned char length[LITERALS];
    for (int i = 0; i < LITERALS; i++) length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    bool good = make_code(&z->literals, length, LITERALS, false);
    memset(length, 5, DISTANCES);
    return good && make_code(&z->distances, length, DISTANCES, false);
}

static bool read_codes(gr__inflater *z)
{
    static const unsigned char order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned char length[LITERALS + DISTANCES] = {0};
    int literals = (int)take(z, 5) + 257, distances = (int)take(z, 5) + 1, lengths = (int)take(z, 4) + 4;
    if (literals > 286 || distances > 30) return false;
    for (int i = 0; i < lengths; i++) length[order[i]] = (unsigned char)take(z, 3);
    if (!make_code(&z->distances, length, 19, false)) return false; /* for now that of the lengths */
    memset(length, 0, sizeof length);
    for (int i = 0; i < literals + distances;) {
        int s = symbol(z, &z->distances), again = 1;
        unsigned char value = (unsigned char)s;
        if (s < 0 || overrun(z)) return false;
        if (s == 16) {
            if (i == 0) return false;
            value = length[i - 1];
            again = 3 + (int)take(z, 2);
        } else if (s > 16) {
            value = 0;
            again = s == 17 ? 3 + (int)take(z, 3) : 11 + (int)take(z, 7);
        }
        if (again > literals + distances - i) return false;
        while (again-- > 0) length[i++] = value;
    }
    if (!length[256]) return false; /* it could never end */
    return make_code(&z->literals, length, literals, false) &&
           make_code(&z->distances, length + literals, distances, true);
}

static bool read_block(gr__inflater *z)
{
    if (z->last) {
        z->block = BLOCK_END;
        return true;
    }
    z->last = take(z, 1);
    unsigned kind = take(z, 2);
    if (kind == 0) return read_stored(z);
    z->block = BLOCK_CODED;
    return (kind == 1 ? fixed_codes(z) : kind == 2 && read_codes(z)) && !overrun(z);
}

/* ---- content ---- */

static bool copy_stored(gr__inflater *z)
{
    size_t n = GR_MIN(z->stored, sizeof z->out - z->made), got = 0;
    if (gr__inflater_bytes(z, z->out + z->made, n, &got) != GR_OK || got < n) return false;
    z->made += n;
    z->stored -= n;
    if (z->stored == 0) z->block = BLOCK_NONE;
    return true;
}

/* A copy of what was made before, which may reach into itself. */
static bool copy_back(gr__inflater *z, int s)
{
    static const unsigned char length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t length_from[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const unsigned char far_bits[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                             6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    static const uint16_t far_from[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                        33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (s - 257 >= (int)GR_COUNT(length_from)) return false;
    size_t n = length_from[s - 257] + take(z, length_bits[s - 257]);
    int f = symbol(z, &z->distances);
    if (f < 0 || f >= (int)GR_COUNT(far_from)) return false;
    size_t far = far_from[f] + take(z, far_bits[f]);
    if (far > z->made) return false;
    const unsigned char *from = z->out + z->made - far;
    unsigned char *to = z->out + z->made;
    if (far >= n)
        memcpy(to, from, n);
    else
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    z->made += n;
    return true;
}

static bool copy_coded(gr__inflater *z)
{
    while (z->made <= sizeof z->out - LONGEST_COPY) {
        int s = symbol(z, &z->literals);
        if (s < 0 || overrun(z)) return false;
        if (s == 256) {
            z->block = BLOCK_NONE;
            return true;
        }
        if (s < 256)
            z->out[z->made++] = (unsigned char)s;
        else if (!copy_back(z, s) || overrun(z))
            return false;
    }
    return true;
}

/* Makes more content where all of it was given: at least a byte, unless the stream ends. */
static void make(gr__inflater *z)
{
    if (z->made > WINDOW) {
        memmove(z->out, z->out + z->made - WINDOW, WINDOW);
        z->made = WINDOW;
    }
    z->given = z->made;
    while (z->made <= sizeof z->out - LONGEST_COPY && z->block != BLOCK_END && !z->damaged)
        z->damaged = !(z->block == BLOCK_NONE     ? read_block(z)
                       : z->block == BLOCK_STORED ? copy_stored(z)
                                                  : copy_coded(z));
}

gr_status gr__inflater_read(gr__inflater *z, void *to, size_t n, size_t *got, bool *sound)
{
    for (*got = 0; *got < n;) {
        if (z->given == z->made && (z->damaged || z->block == BLOCK_END)) break;
        if (z->given == z->made) make(z);
        size_t some = GR_MIN(n - *got, z->made - z->given);
        memcpy((char *)to + *got, z->out + z->given, some);
        z->given += some;
        *got += some;
    }
    *sound = !z->damaged || z->given < z->made;
    return z->st;
}
