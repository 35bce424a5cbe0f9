/* Damaged PNG files, a kind of damage each, and what is none: made of chunks by name, with the checksums that they
 * should have unless one is meant to be wrong. Each is decoded both at once and by rows, as large ones are. */
#include "files.h"

#include "base/file.h"
#include "data/picture/picture.h"

enum { WIDTH = 5, HEIGHT = 3, MOST = 4096, ROW_RGB = 1 + 3 * WIDTH, ROW_PALETTE = 1 + (2 * WIDTH + 7) / 8 };

typedef struct piece {
    unsigned char x[MOST];
    size_t n;
} piece;

static void put(piece *b, const void *x, size_t n)
{
    assert_true(b->n + n <= sizeof b->x);
    if (n) memcpy(b->x + b->n, x, n);
    b->n += n;
}

static void put_big(piece *b, uint32_t v)
{
    put(b,
        (unsigned char[]){(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                          (unsigned char)v},
        4);
}

static void put_chunk(piece *b, const char *kind, const piece *data, bool wrong)
{
    put_big(b, (uint32_t)data->n);
    size_t from = b->n;
    put(b, kind, 4);
    put(b, data->x, data->n);
    put_big(b, gr__crc32(0, b->x + from, 4 + data->n) ^ wrong);
}

/* ---- a file as a line says it: RGB of 8 bits, or a palette of 2 bits where it has a PLTE chunk or a P ---- */

static bool has(const char *line, const char *word)
{
    return strstr(line, word) != NULL;
}

static piece header(const char *line, bool palette)
{
    piece b = {.n = 0};
    put_big(&b, WIDTH);
    put_big(&b, has(line, "IHDR:other") ? HEIGHT + 1 : HEIGHT);
    put(&b, (unsigned char[]){palette ? 2 : 8, palette ? 3 : has(line, "RGBA") ? 6 : 2, 0, 0, 0}, 5);
    return b;
}

/* What `word` has behind its colon says what is wrong with them. */
static piece pixels(const char *word, bool palette, bool rgba)
{
    piece rows = {.n = 0}, b = {.n = 0};
    size_t row = palette ? ROW_PALETTE : rgba ? 1 + 4 * WIDTH : ROW_RGB;
    size_t n = has(word, "long") ? row * HEIGHT + 1 : has(word, "short") ? row * HEIGHT - 1 : row * HEIGHT;
    for (size_t i = 0; i < n; i++) rows.x[i] = (unsigned char)(i % row ? 37 * i : i / row % 5);
    if (has(word, "filter")) rows.x[row] = 5;
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(6);
    b.n = libdeflate_zlib_compress(z, rows.x, n, b.x, sizeof b.x);
    libdeflate_free_compressor(z);
    if (has(word, "sum")) b.x[b.n - 1] ^= 1;
    if (has(word, "cut")) b.n -= 4;
    if (has(word, "half")) b.n /= 2;
    if (has(word, "method")) b.x[0] = 0x79, b.x[1] = 31 - 0x7900 % 31;
    if (has(word, "dictionary")) b.x[0] = 0x78, b.x[1] = 0x20 | (31 - 0x7820 % 31);
    if (has(word, "more")) put(&b, "more", 4);
    if (has(word, "first")) b.n = 3;
    if (has(word, "rest")) memmove(b.x, b.x + 3, b.n -= 3);
    if (has(word, "empty")) b.n = 0;
    return b;
}

static piece content(const char *word, const char *line, bool palette)
{
    static const unsigned char some[3 * 257] = {1, 2, 3, 4, 5, 6, 7};
    piece b = {.n = 0};
    if (has(word, "IHDR")) return header(word, palette);
    if (has(word, "IDAT")) return pixels(word, palette, has(line, "RGBA"));
    if (has(word, "PLTE")) put(&b, some, has(word, "odd") ? 7 : has(word, "none") ? 0 : has(word, "many") ? 15 : 12);
    if (has(word, "tRNS")) put(&b, some, has(word, "odd") ? 5 : has(word, "many") ? 257 : palette ? 3 : 6);
    return b;
}

/* KIND, KIND:how, KIND! with a wrong checksum; RGBA in front: so are its pixels. */
static piece made(const char *line)
{
    piece b = {.n = 0};
    bool palette = has(line, "PLTE") || line[0] == 'P';
    char copy[256], *word, *rest = copy;
    assert_true(strlen(line) < sizeof copy);
    strcpy(copy, line);
    put(&b, "\x89PNG\r\n\x1a\n", 8);
    piece head = header(line, palette);
    put_chunk(&b, "IHDR", &head, has(line, "IHDR!"));
    while ((word = strtok_r(rest, " ", &rest))) {
        piece data = content(word, line, palette);
        if (strlen(word) < 4 || has(word, "RGBA") || strcmp(word, "IHDR!") == 0) continue;
        put_chunk(&b, word, &data, word[4] == '!');
    }
    return b;
}

static gr_status decoded(const piece *b, bool by_rows, uint8_t *out)
{
    const gr__picture_way way = {.channels = 3};
    unsigned char *file = malloc(b->n); /* on its own: a sanitizer sees what is read beyond */
    gr__blob blob;
    gr__picture p;
    memcpy(file, b->x, b->n);
    gr__blob_memory(f.ctx, "made", file, b->n, &blob);
    gr_status st = gr__picture_head(&blob, &p);
    if (st == GR_OK) {
        p.by_rows = by_rows;
        size_t bytes = gr__picture_scratch(&p, &way);
        void *scratch = gr__tensor_alloc(f.ctx, bytes);
        st = gr__picture_decode(f.ctx, "made", file, &p, &way, scratch, out);
        gr__tensor_free(f.ctx, scratch, bytes);
    }
    free(file);
    return st;
}

static void damage_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } all[] = {
        {"IDAT:long IEND", "do not unpack to as many as its header says"},
        {"IDAT:short IEND", "do not unpack to as many as its header says"},
        {"IDAT:sum IEND", "do not unpack to as many as its header says"},
        {"IDAT:cut IEND", "do not unpack to as many as its header says"},
        {"IDAT:half IEND", "do not unpack to as many as its header says"},
        {"IDAT:method IEND", "do not unpack to as many as its header says"},
        {"IDAT:dictionary IEND", "do not unpack to as many as its header says"},
        {"IDAT:empty IEND", "do not unpack to as many as its header says"},
        {"IDAT:first IEND", "do not unpack to as many as its header says"},
        {"IDAT:filter IEND", "a row of it has the filter 5, of which there are 0 to 4"},
        {"IHDR! IDAT IEND", "the checksum of its chunk IHDR is wrong"},
        {"IDAT! IEND", "the checksum of its chunk IDAT is wrong"},
        {"IDAT:first IDAT!:rest IEND", "the checksum of its chunk IDAT is wrong"},
        {"IDAT IEND!", "the checksum of its chunk IEND is wrong"},
        {"PLTE! IDAT IEND", "the checksum of its chunk PLTE is wrong"},
        {"tRNS! IDAT IEND", "the checksum of its chunk tRNS is wrong"},
        {"IDAT", "it ends before it should"},
        {"IDAT tEXt", "it ends before it should"},
        {"IEND", "it has no pixels"},
        {"IEND IDAT", "it has no pixels"},
        {"P IDAT IEND", "it has no palette"},
        {"PLTE:odd IDAT IEND", "its palette has another length"},
        {"PLTE:none IDAT IEND", "its palette has another length"},
        {"PLTE:many IDAT IEND", "its palette has another length"},
        {"PLTE PLTE IDAT IEND", "its palette stands behind its pixels, or twice"},
        {"P IDAT PLTE IEND", "its palette stands behind its pixels, or twice"},
        {"tRNS:odd IDAT IEND", "its opacities are of other colours"},
        {"PLTE tRNS:many IDAT IEND", "its opacities are of other colours"},
        {"tRNS tRNS IDAT IEND", "its opacities stand behind its pixels, or twice"},
        {"IDAT tRNS IEND", "its opacities stand behind its pixels, or twice"},
        {"RGBA tRNS IDAT IEND", "its pixels have an opacity, and one colour another"},
        {"IHDR IDAT IEND", "it has two headers"},
        {"IDAT IHDR:other IEND", "it has two headers"},
        {"ABCD IDAT IEND", "it has a chunk ABCD, which is not known"},
        {"IDAT:first tEXt IDAT:rest IEND", "its pixels are in two places"},
        {"IDAT tEXt IDAT IEND", "its pixels are in two places"},
    };
    uint8_t out[MOST];
    for (size_t i = 0; i < GR_COUNT(all); i++)
        for (int by_rows = 0; by_rows < 2; by_rows++) {
            piece b = made(all[i].line);
            gr_status st = decoded(&b, by_rows, out);
            const char *said = gr_context_error(f.ctx)->message;
            if (st != GR_E_FORMAT || !has(said, all[i].words) || !has(said, "\"made\" is a damaged PNG picture: "))
                fail_msg("%s: %s, %s, not: %s", all[i].line, gr_status_name(st), said, all[i].words);
            gr_context_clear_error(f.ctx);
        }
}

static void what_no_pixel_depends_on_is_let_pass(void **state)
{
    (void)state;
    static const char *const all[][2] = {
        {"IDAT:first IDAT:rest IEND", "IDAT IEND"},
        {"IDAT:empty IDAT IDAT:empty IEND", "IDAT IEND"},
        {"tEXt! gAMA IDAT tIME! IEND", "IDAT IEND"},
        {"IDAT:more IEND", "IDAT IEND"},
        {"IDAT IEND IEND", "IDAT IEND"},
        {"PLTE IDAT IEND", "PLTE tEXt IDAT IEND"},
        {"RGBA IDAT IEND", "RGBA tEXt IDAT IEND"},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++)
        for (int by_rows = 0; by_rows < 2; by_rows++) {
            uint8_t x[3 * WIDTH * HEIGHT], y[3 * WIDTH * HEIGHT];
            piece a = made(all[i][0]), b = made(all[i][1]);
            test_ok(f.ctx, decoded(&a, by_rows, x));
            test_ok(f.ctx, decoded(&b, false, y));
            assert_memory_equal(x, y, sizeof x);
        }
}

static void forms_that_there_are_not_are_refused(void **state)
{
    (void)state;
    static const unsigned char forms[][5] = {{3, 0, 0, 0, 0},  {0, 0, 0, 0, 0}, {32, 2, 0, 0, 0}, {4, 2, 0, 0, 0},
                                             {16, 3, 0, 0, 0}, {1, 6, 0, 0, 0}, {4, 4, 0, 0, 0},  {8, 1, 0, 0, 0},
                                             {8, 5, 0, 0, 0},  {8, 7, 0, 0, 0}, {8, 2, 1, 0, 0},  {8, 2, 0, 1, 0},
                                             {8, 2, 0, 0, 2}};
    uint8_t out[MOST];
    for (size_t i = 0; i < GR_COUNT(forms); i++) {
        piece b = made("IDAT IEND");
        char words[96];
        memcpy(b.x + 24, forms[i], 5);
        snprintf(words, sizeof words, "its header asks for a form that there is not (%d, %d, %d, %d, %d)", forms[i][0],
                 forms[i][1], forms[i][2], forms[i][3], forms[i][4]);
        assert_int_equal(decoded(&b, false, out), GR_E_FORMAT);
        if (!has(gr_context_error(f.ctx)->message, words)) fail_msg("%s", gr_context_error(f.ctx)->message);
        gr_context_clear_error(f.ctx);
    }
}

/* Rows that are unpacked one by one are so because all of them are large. */
static void large_pictures_take_little_memory(void **state)
{
    (void)state;
    const gr__picture_way way = {.channels = 3};
    gr__blob blob;
    gr__picture p;
    piece b = made("IDAT IEND");
    gr__blob_memory(f.ctx, "made", b.x, b.n, &blob);
    for (int side = 100; side <= 10000; side *= 10) {
        memcpy(b.x + 16, (unsigned char[]){0, 0, (unsigned char)(side >> 8), (unsigned char)side}, 4);
        memcpy(b.x + 20, b.x + 16, 4);
        test_ok(f.ctx, gr__picture_head(&blob, &p));
        assert_int_equal(p.by_rows, side == 10000);
        assert_true(gr__picture_scratch(&p, &way) < (size_t)4 << 20);
    }
    assert_true(gr__picture_scratch(&p, &way) < (size_t)1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(what_no_pixel_depends_on_is_let_pass),
        cmocka_unit_test(forms_that_there_are_not_are_refused),
        cmocka_unit_test(large_pictures_take_little_memory),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
