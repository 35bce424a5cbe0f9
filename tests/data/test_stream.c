/* Streams: what libdeflate packed comes back byte for byte, in pieces of any size and little memory; damage is told. */
#include "files.h"

#include "base/rng.h"
#include "data/blob.h"

enum { MOST = 300000 };
static unsigned char content[MOST], packed[MOST + 4096];

/* Contents of every kind: noise, few different bytes, long runs, text that repeats from afar. */
static size_t make_content(int kind, size_t n, uint64_t seed)
{
    gr__rng r = gr__rng_make(seed, "content", 0, 0);
    for (size_t i = 0; i < n; i++) {
        if (kind == 0)
            content[i] = (unsigned char)gr__rng_below(&r, 256);
        else if (kind == 1)
            content[i] = (unsigned char)('a' + gr__rng_below(&r, 3));
        else if (kind == 2)
            content[i] = i && gr__rng_below(&r, 900) ? content[i - 1] : (unsigned char)gr__rng_below(&r, 256);
        else
            content[i] =
                i >= 32768 && gr__rng_below(&r, 5000) ? content[i - 32768] : (unsigned char)gr__rng_below(&r, 256);
    }
    return n;
}

static size_t pack(int level, size_t n, bool gzip)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    size_t used = gzip ? libdeflate_gzip_compress(c, content, n, packed, sizeof packed)
                       : libdeflate_deflate_compress(c, content, n, packed, sizeof packed);
    libdeflate_free_compressor(c);
    assert_true(used > 0);
    return used;
}

/* Reads all of it in pieces of up to `step` bytes: GR_OK and the bytes in `back`, or what went wrong. */
static unsigned char back[MOST + 1];
static gr_status read_all(const gr__blob *b, size_t step, size_t *n)
{
    gr__stream *s;
    size_t got = 1;
    gr_status st = gr__stream_open(b, &s);
    for (*n = 0; st == GR_OK && got && *n < sizeof back; *n += got)
        st = gr__stream_read(s, back + *n, GR_MIN(step, sizeof back - *n), &got);
    gr__stream_close(s);
    return st;
}

static void expect_content(const gr__blob *b, size_t step, size_t n)
{
    size_t got;
    test_ok(f.ctx, read_all(b, step, &got));
    assert_int_equal(got, n);
    assert_memory_equal(back, content, n);
}

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 257, 258, 4096, 32767, 32768, 65535, 65536, 98304, MOST};
    static const size_t steps[] = {1000000, 65536, 4097, 997};
    static const int levels[] = {0, 1, 6, 9};
    for (int kind = 0; kind < 4; kind++)
        for (size_t i = 0; i < GR_COUNT(sizes); i++)
            for (size_t l = 0; l < GR_COUNT(levels); l++) {
                gr__blob b;
                size_t n = make_content(kind, sizes[i], i + 1), m = pack(levels[l], n, true);
                gr__blob_memory(f.ctx, "packed", packed, m, &b);
                assert_int_equal(b.packing, GR__GZIP);
                expect_content(&b, steps[(i + l) % GR_COUNT(steps)], n);
                if (n < 5000) expect_content(&b, 1, n);
            }
}

/* Members in a row, one with every optional part of a header; from a file as from memory. */
static void headers_and_members(void **state)
{
    (void)state;
    size_t n = make_content(1, 5000, 3), used = 0;
    static unsigned char all[20000];
    for (size_t from = 0; from < n; from += 1250) {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        size_t m = libdeflate_gzip_compress(c, content + from, 1250, packed, sizeof packed);
        libdeflate_free_compressor(c);
        static const unsigned char extra[] = "\x05\x00"
                                             "abcde"
                                             "name\0comment\0"
                                             "\x12\x34";
        memcpy(all + used, packed, 10);
        if (from == 1250) all[used + 3] = 2 | 4 | 8 | 16;
        used += 10;
        if (from == 1250) memcpy(all + used, extra, sizeof extra - 1), used += sizeof extra - 1;
        memcpy(all + used, packed + 10, m - 10);
        used += m - 10;
    }
    gr__blob b;
    gr__blob_memory(f.ctx, "members", all, used, &b);
    expect_content(&b, 777, n);
    char path[128];
    snprintf(path, sizeof path, "%s/members", f.folder);
    put_file(&f, "members", all, used);
    test_ok(f.ctx, gr__blob_open(f.ctx, path, &b));
    expect_content(&b, 100000, n);
    gr__blob_close(&b);
    all[used] = 'x'; /* what follows is no member */
    gr__blob_memory(f.ctx, "members", all, used + 1, &b);
    size_t got;
    assert_int_equal(read_all(&b, 100, &got), GR_E_FORMAT);
    gr_context_clear_error(f.ctx);
}

/* Cut anywhere, or with any bit changed: an error, never other bytes than those that were packed. */
static void damage_is_told(void **state)
{
    (void)state;
    for (int level = 0; level < 10; level += 3)
        for (int kind = 0; kind < 2; kind++) {
            size_t n = make_content(kind, 700, 5), m = pack(level, n, true), got;
            gr__blob b;
            for (size_t cut = 2; cut < m; cut++) {
                gr__blob_memory(f.ctx, "cut", packed, cut, &b);
                assert_int_equal(read_all(&b, 300, &got), GR_E_FORMAT);
                assert_non_null(strstr(gr_context_error(f.ctx)->message, "damaged or cut off"));
                gr_context_clear_error(f.ctx);
            }
            for (size_t bit = 16; bit < 8 * m; bit++) {
                if (bit / 8 >= 4 && bit / 8 < 10) continue; /* time and system of the header mean nothing */
                packed[bit / 8] ^= (unsigned char)(1 << bit % 8);
                gr__blob_memory(f.ctx, "changed", packed, m, &b);
                gr_status st = read_all(&b, 300, &got);
                /* a flag "this is text", or a code that no symbol uses, changes nothing */
                assert_true(st == GR_E_FORMAT || (st == GR_OK && got == n && memcmp(back, content, n) == 0));
                gr_context_clear_error(f.ctx);
                packed[bit / 8] ^= (unsigned char)(1 << bit % 8);
            }
        }
}

/* Random changes of raw deflate: what we find sound libdeflate does, with the same bytes. The other way there are a few
 * codes that RFC 1951 forbids and libdeflate lets pass: a run of lengths past their number, codes that are not whole.
 */
static void agrees_with_libdeflate(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(11, "changes", 0, 0);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    static unsigned char want[MOST];
    int sound = 0, stricter = 0;
    for (int i = 0; i < 4000; i++) {
        size_t n = make_content(i % 4, 1 + gr__rng_below(&r, 400), (uint64_t)i), m = pack(i % 13, n, false), got, used;
        for (uint64_t k = gr__rng_below(&r, 3); k > 0; k--)
            packed[gr__rng_below(&r, m)] ^= (unsigned char)(1 << gr__rng_below(&r, 8));
        bool fine = libdeflate_deflate_decompress_ex(d, packed, m, want, sizeof want, &used, &n) == LIBDEFLATE_SUCCESS;
        gr__blob b;
        gr__blob_memory(f.ctx, "raw", packed, m, &b);
        b.packing = GR__DEFLATE;
        gr_status st = read_all(&b, 1 + gr__rng_below(&r, 500), &got);
        if (st == GR_OK) {
            assert_true(fine);
            assert_int_equal(got, n);
            assert_memory_equal(back, want, n);
        }
        sound += st == GR_OK;
        stricter += fine && st != GR_OK;
        gr_context_clear_error(f.ctx);
    }
    assert_true(sound > 1000 && sound < 3900 && stricter < 40);
    libdeflate_free_decompressor(d);
}

/* A part of an archive: its size and checksum are held against what was read. */
static void parts_are_checked(void **state)
{
    (void)state;
    for (int how = 0; how < 8; how++) {
        bool deflated = how & 1;
        int wrong = how / 2; /* nothing, the checksum, too long, too short */
        size_t n = make_content(1, 1000, 9), m = pack(6, n, false), got;
        gr__blob whole, part;
        gr__blob_memory(f.ctx, "archive", deflated ? packed : content, deflated ? m : n, &whole);
        whole.packing = GR__PLAIN;
        gr__blob_part(&whole, "part", 0, deflated ? m : n, &part);
        part.packing = deflated ? GR__DEFLATE : GR__PLAIN;
        part.checked = true;
        part.content = n + (wrong == 2) - (wrong == 3);
        part.crc = libdeflate_crc32(0, content, n) ^ (wrong == 1);
        assert_int_equal(read_all(&part, 300, &got), wrong ? GR_E_FORMAT : GR_OK);
        if (!wrong) assert_memory_equal(back, content, n);
        gr_context_clear_error(f.ctx);
        gr__blob_close(&part);
    }
}

/* However long the content: no more than the stream's own memory. */
static void memory_is_bounded(void **state)
{
    (void)state;
    size_t n = make_content(2, MOST, 2), m = pack(9, n, true), got;
    gr__blob b;
    gr__stream *s;
    gr__blob_memory(f.ctx, "packed", packed, m, &b);
    uint64_t before = gr__bookkeeping_bytes(f.ctx);
    test_ok(f.ctx, gr__stream_open(&b, &s));
    for (got = 1; got > 0;) {
        assert_true(gr__bookkeeping_bytes(f.ctx) - before < 200 << 10);
        test_ok(f.ctx, gr__stream_read(s, back, 1000, &got));
    }
    gr__stream_close(s);
    assert_int_equal(gr__bookkeeping_bytes(f.ctx), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(headers_and_members),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(agrees_with_libdeflate),
        cmocka_unit_test(parts_are_checked),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
