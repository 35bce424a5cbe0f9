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

static bool by_rows; /* PNG files are decoded as if they were large */

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
    p.by_rows = by_rows;
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
    for (int isa = GR__ISA_AVX2; isa < GR__ISA_COUNT; isa++) { /* the same bits from all */
        gr__picture_way other = way;
        uint8_t *y;
        if (!gr__isa_supported((gr__isa)isa)) continue;
        other.isa = (gr__isa)isa;
        test_ok(f.ctx, decode(path, t.bytes, t.n, &other, &y, &height, &width));
        assert_memory_equal(y, x, n);
        free(y);
    }
    if (strstr(k->file, ".png")) {
        uint8_t *y;
        by_rows = true;
        test_ok(f.ctx, decode(path, t.bytes, t.n, &way, &y, &height, &width));
        by_rows = false;
        assert_memory_equal(y, x, n);
        free(y);
    }
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
    assert_true(n >= 200);
    fclose(in);
    free(expected.bytes);
}

/* ---- hostile files ---- */

static const gr__picture_way as_is = {.channels = 3}, small = {.height = 5, .width = 4, .channels = 1};

static gr_status try(const unsigned char *file, size_t n, const gr__picture_way *way)
{
    uint8_t *x;
    int64_t height, width;
    gr_status st = decode("hostile", file, n, way, &x, &height, &width);
    free(x);
    return st;
}

/* With words of the message. */
static void refuse_file(const unsigned char *file, size_t n, const char *words)
{
    gr_status st = try(file, n, &as_is);
    const char *said = gr_context_error(f.ctx)->message;
    if (st != GR_E_FORMAT || !strstr(said, words)) fail_msg("%s: %s, not: %s", gr_status_name(st), said, words);
    assert_non_null(strstr(said, "\"hostile\""));
    gr_context_clear_error(f.ctx);
}

/* Whatever is cut off, a file is damaged. */
static void every_cut_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"one.png",         "interlaced.png", "palette2.png", "plain.jpg",
                                        "progressive.jpg", "grey.jpg",       "inks.jpg",     "p6.ppm",
                                        "p4.pbm",          "p5wide.pgm",     "exif6.png",    "exif6.jpg"};
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, FOLDER "%s", names[i]);
        told t = read_whole(path);
        const size_t head = names[i][0] == 'p' && names[i][2] == '.' ? 3 : 8; /* shorter ones are no pictures */
        for (size_t n = head; n < t.n; n += GR_MAX(t.n / 200, 1)) {
            unsigned char *cut = malloc(n); /* on its own: a sanitizer sees what is read beyond */
            memcpy(cut, t.bytes, n);
            gr_status st = try(cut, n, n % 2 ? &as_is : &small);
            if (st != GR_E_FORMAT) fail_msg("%s cut to %zu bytes: %s", names[i], n, gr_status_name(st));
            gr_context_clear_error(f.ctx);
            free(cut);
        }
        free(t.bytes);
    }
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const names[] = {"rgb16.png",       "interlaced.png", "plain.jpg",
                                        "progressive.jpg", "p3.ppm",         "exif8.jpg"};
    unsigned seed = 1;
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, FOLDER "%s", names[i]);
        told t = read_whole(path);
        for (int k = 0; k < 300; k++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = 8 + (seed >> 8) % (t.n - 8);
            unsigned char was = t.bytes[at];
            t.bytes[at] = (unsigned char)(seed >> 24);
            gr_status st = try(t.bytes, t.n, k % 2 ? &as_is : &small);
            assert_true(st == GR_OK || st == GR_E_FORMAT);
            assert_int_equal(st, gr__error_code(f.ctx));
            gr_context_clear_error(f.ctx);
            t.bytes[at] = was;
        }
        free(t.bytes);
    }
}

static void lies_of_size_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } pnm[] = {
        {"P5 100000 100000 255\n", "100000 x 100000 pixels in 21 bytes: a picture has at most 134217728 pixels"},
        {"P5 2000000 2 255\n", "2000000 x 2 pixels"},
        {"P5 0 5 255\n", "0 x 5 pixels, which is no picture"},
        {"P6 5 5 0\n", "its head holds no width"},
        {"P6 5 5 65536\n", "its head holds no width"},
        {"P6 99999999999999999999 5 255\n", "its head holds no width"},
        {"P6 -1 5 255\n", "its head holds no width"},
        {"P6 #", "its head holds no width"},
        {"P4 16 100\n12", "it ends before it should"},
        {"P2 2 2 9\n1 2 3", "it ends before it should"},
        {"P2 2 2 9\n1 2 3 10 ", "no number up to its largest"},
        {"P2 2 2 9\n1 2 x 3", "no number up to its largest"},
        {"P1 2 2\n0 1 2 1", "no number up to its largest"},
        {"P5 2 2 9\n\1\2\3\012", "no number up to its largest"},
    };
    for (size_t i = 0; i < GR_COUNT(pnm); i++)
        refuse_file((const unsigned char *)pnm[i].text, strlen(pnm[i].text), pnm[i].words);
    told t = read_whole(FOLDER "rgb.png");
    t.bytes[16] = 1; /* a width of 16 million and more */
    refuse_file(t.bytes, t.n, "16777245 x 19 pixels");
    t.bytes[16] = 0xFF;
    refuse_file(t.bytes, t.n, "4278190109 x 19 pixels");
    memset(t.bytes + 16, 0, 4);
    refuse_file(t.bytes, t.n, "0 x 19 pixels, which is no picture");
    free(t.bytes);
    t = read_whole(FOLDER "plain.jpg");
    for (size_t i = 2; i + 9 < t.n; i++) {
        if (t.bytes[i] != 0xFF || t.bytes[i + 1] != 0xC0) continue;
        t.bytes[i + 4] = 12;
        refuse_file(t.bytes, t.n, "a JPEG of 12 bits a component");
        t.bytes[i + 4] = 8;
        memset(t.bytes + i + 5, 0xFF, 4);
        refuse_file(t.bytes, t.n, "65535 x 65535 pixels");
        memset(t.bytes + i + 5, 0, 2);
        refuse_file(t.bytes, t.n, "65535 x 0 pixels");
        t.bytes[i + 9] = 2;
        refuse_file(t.bytes, t.n, "a JPEG of 2 components");
        break;
    }
    free(t.bytes);
}

/* A progressive file whose first scan comes a thousand times, as such files are made to keep decoders busy. */
static void repeated_scans_are_refused(void **state)
{
    (void)state;
    enum { TIMES = 1000 };
    told t = read_whole(FOLDER "progressive.jpg");
    size_t scan = 2, next;
    while (!(t.bytes[scan] == 0xFF && t.bytes[scan + 1] == 0xDA)) scan++;
    for (next = scan + 2; t.bytes[next] != 0xFF || t.bytes[next + 1] < 0xC0; next++) assert_true(next + 2 < t.n);
    size_t one = next - scan, n = t.n + one * TIMES;
    unsigned char *file = malloc(n);
    memcpy(file, t.bytes, scan);
    for (size_t i = 0; i < TIMES; i++) memcpy(file + scan + i * one, t.bytes + scan, one);
    memcpy(file + scan + TIMES * one, t.bytes + scan, t.n - scan);
    assert_int_equal(try(file, n, &as_is), GR_E_FORMAT);
    gr_context_clear_error(f.ctx);
    free(file);
    free(t.bytes);
}

static void files_are_told_by_content(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *other;
        size_t n;
        gr__picture_kind kind;
    } all[] = {
        {"GIF89a..........", "a GIF picture", 16, GR__NO_PICTURE},
        {"RIFF....WEBPVP8 ", "a WebP picture", 16, GR__NO_PICTURE},
        {"RIFF....WAVEfmt ", NULL, 16, GR__NO_PICTURE},
        {"II*\0............", "a TIFF picture", 16, GR__NO_PICTURE},
        {"BM..............", "a BMP picture", 16, GR__NO_PICTURE},
        {"P7\nWIDTH 3\n", "a PAM picture", 11, GR__NO_PICTURE},
        {"P5 1 1 255\nx", NULL, 12, GR__PNM},
        {"P5 1 1 255 x", NULL, 12, GR__PNM},
        {"P51 1 255 x", NULL, 11, GR__NO_PICTURE},
        {"Paul", NULL, 4, GR__NO_PICTURE},
        {"", NULL, 0, GR__NO_PICTURE},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr__blob b;
        gr__picture p;
        gr__blob_memory(f.ctx, "file", all[i].bytes, all[i].n, &b);
        test_ok(f.ctx, gr__picture_head(&b, &p));
        assert_int_equal(p.kind, all[i].kind);
        const char *other = gr__picture_other((const unsigned char *)all[i].bytes, all[i].n);
        assert_true(all[i].other ? other && strcmp(other, all[i].other) == 0 : !other);
    }
}

/* ---- resizing by itself ---- */

/* Weights of every output sum to 1, are positive and stand within the inputs; a constant stays. */
static void axes_are_means(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 7, 16, 31, 100, 1000};
    for (size_t i = 0; i < GR_COUNT(sizes); i++)
        for (size_t o = 0; o < GR_COUNT(sizes); o++)
            for (int cut = 0; cut < 2; cut++) {
                int64_t in = sizes[i], out = sizes[o];
                double low = cut ? (double)in * 0.21 : 0, high = cut ? (double)in * 0.83 : (double)in;
                size_t bytes = gr__axis_bytes(in, out, low, high);
                char *memory = malloc(bytes);
                gr__axis a;
                gr__axis_make(&a, in, out, low, high, memory);
                for (int64_t k = 0; k < out; k++) {
                    double sum = 0;
                    assert_true(a.n[k] >= 1 && a.n[k] <= a.taps && a.from[k] >= 0 && a.from[k] + a.n[k] <= in);
                    assert_true(k == 0 ||
                                (a.from[k] >= a.from[k - 1] && a.from[k] + a.n[k] >= a.from[k - 1] + a.n[k - 1]));
                    for (int t = 0; t < a.n[k]; t++) {
                        assert_true(a.weight[k * a.taps + t] >= 0);
                        sum += (double)a.weight[k * a.taps + t];
                    }
                    assert_true(fabs(sum - 1) < 1e-6);
                }
                free(memory);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds),
        cmocka_unit_test(every_cut_is_told),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(lies_of_size_are_refused),
        cmocka_unit_test(repeated_scans_are_refused),
        cmocka_unit_test(files_are_told_by_content),
        cmocka_unit_test(axes_are_means),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
