/* Pictures as Pillow writes them, against what Pillow makes of them: tests/data/pictures, by
 * tests/fixtures/pictures.py. */
#include <math.h>
#include <stdlib.h>

#include "files.h"

#include "data/picture/picture.h"

#define FOLDER "tests/data/pictures/"

typedef struct kase {
    char file[64], fit[16];
    long height, width, from, upright_height, upright_width;
    int channels, most;
    double mean;
} kase;

typedef struct told {
    unsigned char *bytes;
    size_t n;
} told;

static told read_whole(const char *path)
{
    gr__blob b;
    gr__stream *s;
    told t = {.bytes = calloc(1, 1 << 21)};
    test_ok(f.ctx, gr__blob_open(f.ctx, path, &b));
    test_ok(f.ctx, gr__stream_open(&b, &s));
    test_ok(f.ctx, gr__stream_read(s, t.bytes, 1 << 21, &t.n));
    gr__stream_close(s);
    gr__blob_close(&b);
    return t;
}

static gr__picture_way way_of(const kase *k)
{
    return (gr__picture_way){.height = k->height,
                             .width = k->width,
                             .channels = k->channels,
                             .fit = k->fit[0] == 'c'   ? GR__FIT_CROP
                                    : k->fit[0] == 'p' ? GR__FIT_PAD
                                                       : GR__FIT_STRETCH};
}

/* Decodes between bytes that must stay. */
static gr_status decode(const char *name, const unsigned char *file, size_t n, const gr__picture_way *way,
                        uint8_t **pixels, int64_t *height, int64_t *width)
{
    gr__blob b;
    gr__picture p;
    enum { EDGE = 64 };
    gr__blob_memory(f.ctx, name, file, n, &b);
    gr_status st = gr__picture_head(&b, &p);
    *pixels = NULL;
    if (st != GR_OK) return st;
    assert_true(p.kind != GR__NO_PICTURE);
    gr__picture_size(&p, way, height, width);
    size_t bytes = (size_t)(*height * *width * way->channels), room = gr__picture_scratch(&p, way);
    uint8_t *out = malloc(bytes + EDGE), *scratch = NULL;
    assert_int_equal(posix_memalign((void **)&scratch, 64, room + EDGE), 0);
    memset(out, 0xA5, bytes + EDGE);
    memset(scratch, 0x5A, room + EDGE);
    st = gr__picture_decode(f.ctx, name, file, &p, way, scratch, out);
    for (int i = 0; i < EDGE; i++) assert_true(out[bytes + (size_t)i] == 0xA5 && scratch[room + (size_t)i] == 0x5A);
    free(scratch);
    if (st == GR_OK)
        *pixels = out;
    else
        free(out);
    return st;
}

static void check(const kase *k, const told *expected)
{
    char path[128];
    const gr__picture_way way = way_of(k);
    int64_t height, width, off = 0;
    int most = 0;
    uint8_t *x;
    snprintf(path, sizeof path, FOLDER "%s", k->file);
    told t = read_whole(path);
    test_ok(f.ctx, decode(path, t.bytes, t.n, &way, &x, &height, &width));
    assert_int_equal(height, k->upright_height);
    assert_int_equal(width, k->upright_width);
    size_t n = (size_t)(height * width * k->channels);
    assert_true((size_t)k->from + n <= expected->n);
    for (size_t i = 0; i < n; i++) {
        int d = abs(x[i] - expected->bytes[(size_t)k->from + i]);
        off += d;
        most = GR_MAX(most, d);
    }
    if ((double)off / (double)n > k->mean || most > k->most)
        fail_msg("%s as %ldx%ldx%d (%s): off by %.3f on average, %d at most; allowed are %g and %d", k->file, k->height,
                 k->width, k->channels, k->fit, (double)off / (double)n, most, k->mean, k->most);
    free(x);
    free(t.bytes);
}

static void every_case_holds(void **state)
{
    (void)state;
    told expected = read_whole(FOLDER "expected.gz");
    FILE *in = fopen(FOLDER "cases.txt", "r");
    int n = 0;
    kase k;
    assert_non_null(in);
    while (fscanf(in, "%63s %ld %ld %15s %d %lf %d %ld %ld %ld", k.file, &k.height, &k.width, k.fit, &k.channels,
                  &k.mean, &k.most, &k.from, &k.upright_height, &k.upright_width) == 10) {
        check(&k, &expected);
        n++;
    }
    assert_true(feof(in));
    assert_true(n >= 100);
    fclose(in);
    free(expected.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
