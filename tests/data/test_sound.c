/* Sounds: what other tools write is read to the formula, and nothing hostile is read at all. */
#include "sounds.h"

/* The log-mel energies of a blob, `frames` of them; 0: as many as it has. In memory of malloc. */
static float *mels_of(gr_context *ctx, gr__blob *blob, const gr__mel *m, int64_t *frames, gr_status *st)
{
    gr__sound s;
    float *out = NULL;
    *st = gr__sound_open(blob, &s);
    if (*st == GR_OK) {
        if (!*frames) *frames = gr__mel_frames(m, gr__mel_samples(m, s.frames, s.rate));
        out = malloc((size_t)(*frames * m->mels) * sizeof *out);
        void *scratch = gr__tensor_alloc(ctx, gr__sound_scratch(m));
        assert_true(out && scratch);
        *st = gr__sound_mels(&s, m, *frames, scratch, out);
        gr__tensor_free(ctx, scratch, gr__sound_scratch(m));
    }
    gr__sound_close(&s);
    gr__blob_close(blob);
    return out;
}

static float *mels_of_file(gr_context *ctx, const char *path, const gr__mel *m, int64_t *frames)
{
    gr__blob blob;
    gr_status st;
    test_ok(ctx, gr__blob_open(ctx, path, &blob));
    float *x = mels_of(ctx, &blob, m, frames, &st);
    test_ok(ctx, st);
    return x;
}

static gr__mel mel_of(gr__bump *b, int64_t rate, int64_t mels, int64_t window, int64_t hop)
{
    gr__mel m;
    assert_int_equal(gr__mel_make(b, rate, mels, window, hop, &m), GR_OK);
    return m;
}

/* D4 */
static void files_of_others_are_read_to_the_formula(void **state)
{
    (void)state;
    static const struct {
        const char *file, *energies;
        int64_t mels, window, hop;
    } cases[] = {
        {"u8.wav", "u8", 24, 400, 160},
        {"s16.wav", "s16", 24, 400, 160},
        {"s24.wav", "s24", 24, 400, 160},
        {"s32.wav", "s32", 24, 400, 160},
        {"float.wav", "float", 24, 400, 160},
        {"double.wav", "double", 24, 400, 160},
        {"wavex.wav", "wavex", 24, 400, 160},
        {"rf64.wav", "rf64", 24, 400, 160},
        {"ulaw.wav", "ulaw", 24, 400, 160},
        {"flac16.flac", "flac16", 24, 400, 160},
        {"flac24.flac", "flac24", 24, 400, 160},
        {"vorbis.ogg", "vorbis", 24, 400, 160},
        {"opus.ogg", "opus", 24, 400, 160},
        {"three.wav", "three", 24, 400, 160},
        {"tone.wav", "tone", 24, 400, 160},
        {"short.wav", "short", 24, 400, 160},
        {"silence.flac", "silence", 24, 400, 160},
        {"s16.wav", "s16-wide", 40, 512, 700},
        {"s16.wav", "s16-odd", 7, 101, 33},
    };
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char path[128];
        size_t n;
        int64_t frames = 0;
        gr__mel m = mel_of(b, 16000, cases[i].mels, cases[i].window, cases[i].hop);
        snprintf(path, sizeof path, SOUNDS "%s.f64", cases[i].energies);
        double *want = (double *)(void *)sound_bytes(path, &n);
        snprintf(path, sizeof path, SOUNDS "%s", cases[i].file);
        float *is = mels_of_file(ctx, path, &m, &frames);
        assert_int_equal(frames * m.mels * 8, n);
        for (size_t k = 0; k < n / 8; k++)
            if (fabs(is[k] - want[k]) > 1e-5) fail_msg("%s: %zu: %.9g, not %.9g", cases[i].energies, k, is[k], want[k]);
        free(is);
        free(want);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void frames_fill_up_or_are_cut(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 24, 400, 160);
    int64_t all = 0, few = 5, many = 20;
    float *whole = mels_of_file(ctx, SOUNDS "s16.wav", &m, &all), *cut = mels_of_file(ctx, SOUNDS "s16.wav", &m, &few),
          *filled = mels_of_file(ctx, SOUNDS "s16.wav", &m, &many);
    assert_int_equal(all, 13);
    assert_memory_equal(cut, whole, 5 * 24 * sizeof *cut);
    assert_memory_equal(filled, whole, 13 * 24 * sizeof *cut);
    for (int i = 13 * 24; i < 20 * 24; i++) assert_true(filled[i] == (float)log(1e-10));
    free(whole);
    free(cut);
    free(filled);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* exp(energies) of a Hann window of a sine in the band that holds it: a sine of amplitude a has the power (a window /
 * 4)^2 at its own frequency, and 3/2 of that in all, before the band's triangle. Between two bands the triangles add up
 * to 1. */
static double power_of_sine(double amplitude, int64_t window)
{
    double peak = amplitude * (double)window / 4;
    return 1.5 * peak * peak;
}

/* The sum of all bands about one frequency, in the middle of a sound, where no edge is near. The triangles add up to 1
 * from the middle of the first band to that of the last; bins between the integer ones share the power. */
static double power_near(const float *frame, const gr__mel *m, double hertz)
{
    double sum = 0, band = 2595 * log10(1 + hertz / 700) / (2595 * log10(1 + (double)m->rate / 2 / 700)) *
                               (double)(m->mels + 1) -
                           1;
    for (int64_t i = (int64_t)band - 2; i <= (int64_t)band + 3; i++) sum += exp(frame[i]);
    return sum * (double)m->window / (double)m->fft;
}

static void a_resampled_tone_is_the_same_tone(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 44100, 48000};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 32, 512, 160);
    for (size_t i = 0; i < GR_COUNT(rates); i++) {
        char path[128];
        int64_t frames = 0;
        snprintf(path, sizeof path, SOUNDS "rate%d.wav", rates[i]);
        float *x = mels_of_file(ctx, path, &m, &frames);
        assert_int_equal(frames, 1 + (3200 - 512) / 160);
        for (int64_t t = 3; t < frames - 3; t++) {
            const float *frame = x + t * m.mels;
            double low = power_near(frame, &m, 440) / power_of_sine(0.4, 512),
                   high = power_near(frame, &m, 3000) / power_of_sine(0.2, 512);
            if (fabs(low - 1) > 0.01 || fabs(high - 1) > 0.01)
                fail_msg("rate %d, frame %lld: %g and %g", rates[i], (long long)t, low, high);
            /* nothing else: no image above 4 kHz where the rate rises, none folded back where it falls */
            for (int64_t k = 24; k < m.mels; k++) assert_true(exp(frame[k]) < 1e-6 * power_of_sine(0.2, 512));
        }
        free(x);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* What comes out does not depend on what was read before with the same scratch, nor on how much is asked for. */
static void the_same_bits_each_time(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 32, 400, 160);
    int64_t all = 0, few = 4;
    float *a = mels_of_file(ctx, SOUNDS "rate44100.wav", &m, &all),
          *again = mels_of_file(ctx, SOUNDS "rate44100.wav", &m, &all),
          *front = mels_of_file(ctx, SOUNDS "rate44100.wav", &m, &few);
    assert_memory_equal(a, again, (size_t)(all * m.mels) * sizeof *a);
    assert_memory_equal(a, front, (size_t)(few * m.mels) * sizeof *a);
    free(a);
    free(again);
    free(front);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* Who writes into a pipe cannot go back to say how much it was: all that is there. */
static void sizes_that_are_not_known_are_those_of_the_file(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 8, 64, 32);
    gr__blob blob;
    gr_status st;
    float *out[2];
    int16_t x[500];
    unsigned char wav[44 + sizeof x];
    for (int i = 0; i < 500; i++) x[i] = (int16_t)(i * i % 997 * 17);
    size_t n = make_wav(wav, x, 500, 1, 16000);
    for (int k = 0; k < 2; k++) {
        int64_t frames = 0;
        gr__blob_memory(ctx, "sound", wav, n, &blob);
        out[k] = mels_of(ctx, &blob, &m, &frames, &st);
        test_ok(ctx, st);
        assert_int_equal(frames, 1 + (500 - 64) / 32);
        put_little(wav + 4, 0xFFFFFFFF, 4);
        put_little(wav + 40, 0xFFFFFFFF, 4);
    }
    assert_memory_equal(out[0], out[1], 14 * 8 * sizeof *out[0]);
    free(out[0]);
    free(out[1]);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* ---- what is refused ---- */

static void refuse_bytes(gr_context *ctx, const void *data, size_t n, gr_status code, const char *words)
{
    gr__blob blob;
    gr_status st;
    int64_t frames = 50;
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 24, 400, 160);
    gr__blob_memory(ctx, "a sound", data, n, &blob);
    free(mels_of(ctx, &blob, &m, &frames, &st));
    const gr_error *e = gr_context_error(ctx);
    if (st != code || !strstr(e->message, words) || !strstr(e->message, "\"a sound\""))
        fail_msg("%s: %s (wanted %s: %s)", gr_status_name(st), e->message, gr_status_name(code), words);
    gr_context_clear_error(ctx);
    gr__bump_destroy(b);
}

static void damaged_sounds_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"s16.wav",     "double.wav",  "rf64.wav",   "wavex.wav",
                                        "flac16.flac", "flac24.flac", "vorbis.ogg", "opus.ogg"};
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(names); i++) { /* cut off anywhere */
        char path[128];
        size_t n;
        snprintf(path, sizeof path, SOUNDS "%s", names[i]);
        unsigned char *data = sound_bytes(path, &n);
        for (size_t cut = 0; cut < n; cut += 1 + cut / 16) refuse_bytes(ctx, data, cut, GR_E_FORMAT, "");
        refuse_bytes(ctx, data, n - 1, GR_E_FORMAT, "cut off");
        free(data);
    }
    refuse_bytes(ctx, "", 0, GR_E_FORMAT, "is empty");
    refuse_bytes(ctx, "FORM....AIFFCOMM", 16, GR_E_FORMAT, "WAV, FLAC and OGG are read");
    refuse_bytes(ctx, "RIFF....AVI LIST", 16, GR_E_FORMAT, "WAV, FLAC and OGG are read");
    test_context_end(ctx);
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    int16_t x[500] = {0};
    unsigned char wav[44 + sizeof x];
    size_t n = make_wav(wav, x, 500, 1, 16000);
    static const uint64_t sizes[] = {1001, 2000, 0x7FFFFFFF, 0xFFFFFFFE};
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        put_little(wav + 40, sizes[i], 4);
        refuse_bytes(ctx, wav, n, GR_E_FORMAT, "cut off");
    }
    put_little(wav + 40, 0, 4);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "no samples");
    memcpy(wav + 36, "dato", 4);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "no \"data\"");
    n = make_wav(wav, x, 500, 65, 16000);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "65 channels");
    n = make_wav(wav, x, 500, 0, 16000);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "");
    n = make_wav(wav, x, 500, 1, 800000);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "800000 samples a second");
    n = make_wav(wav, x, 500, 1, 30);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "256 times");
    n = make_wav(wav, x, 500, 1, 16000);
    put_little(wav + 20, 2, 2); /* MS ADPCM */
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "");
    put_little(wav + 20, 1, 2);
    put_little(wav + 16, 0xFFFFFFF0, 4);
    refuse_bytes(ctx, wav, n, GR_E_FORMAT, "header should have 4294967280 bytes");
    test_context_end(ctx);
}

/* A FLAC file that promises more samples than it has, or than any such file can have. */
static void promises_of_flac_are_not_believed(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    size_t n;
    unsigned char *data = sound_bytes(SOUNDS "flac16.flac", &n); /* STREAMINFO: 36 bits from the middle of byte 21 */
    data[25] ^= 0x80;
    refuse_bytes(ctx, data, n, GR_E_FORMAT, "damaged or cut off: of 2528 samples, 2400");
    data[25] ^= 0x80;
    data[21] |= 0x0F;
    refuse_bytes(ctx, data, n, GR_E_FORMAT, "more than its");
    data[21] &= 0xF0, data[22] = data[23] = data[24] = data[25] = 0; /* not known */
    refuse_bytes(ctx, data, n, GR_E_FORMAT, "");
    free(data);
    test_context_end(ctx);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0x7FC00000, 0x7F800000, 0xFF800000};
    gr_context *ctx = test_context();
    size_t n;
    unsigned char *data = sound_bytes(SOUNDS "float.wav", &n);
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        put_little(data + n - 4 * 400, bad[i], 4);
        refuse_bytes(ctx, data, n, GR_E_DATA, "not a finite number, at 0.125 s");
    }
    free(data);
    test_context_end(ctx);
}

/* Every byte spoiled in turn: an error, or numbers that are finite. */
static void spoiled_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    static const char *const names[] = {"short.wav", "silence.flac", "opus.ogg"};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr__mel m = mel_of(b, 16000, 24, 400, 160);
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        char path[128];
        size_t n;
        snprintf(path, sizeof path, SOUNDS "%s", names[i]);
        unsigned char *data = sound_bytes(path, &n);
        for (size_t at = 0; at < n; at++) {
            gr__blob blob;
            gr_status st;
            int64_t frames = 13;
            data[at] ^= 0x5A;
            gr__blob_memory(ctx, "a sound", data, n, &blob);
            float *x = mels_of(ctx, &blob, &m, &frames, &st);
            for (int64_t k = 0; st == GR_OK && k < frames * m.mels; k++) assert_true(isfinite(x[k]));
            assert_true(st == GR_OK || st == GR_E_FORMAT);
            gr_context_clear_error(ctx);
            free(x);
            data[at] ^= 0x5A;
        }
        free(data);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_others_are_read_to_the_formula),
        cmocka_unit_test(frames_fill_up_or_are_cut),
        cmocka_unit_test(a_resampled_tone_is_the_same_tone),
        cmocka_unit_test(the_same_bits_each_time),
        cmocka_unit_test(damaged_sounds_are_refused),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(promises_of_flac_are_not_believed),
        cmocka_unit_test(sizes_that_are_not_known_are_those_of_the_file),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(spoiled_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
