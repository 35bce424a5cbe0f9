/* The sounds of tests/fixtures/sounds.py, and sounds of a test's own: WAV files made byte by byte. */
#ifndef GR_TESTS_DATA_SOUNDS_H
#define GR_TESTS_DATA_SOUNDS_H

#include "files.h"

#include <math.h>

#include "data/sound/sound.h"

#define SOUNDS "tests/fixtures/sounds/"

/* The whole file, in memory of malloc. */
static inline unsigned char *sound_bytes(const char *path, size_t *n)
{
    FILE *in = fopen(path, "rb");
    if (!in) fail_msg("%s cannot be read", path);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    *n = (size_t)ftell(in);
    unsigned char *data = malloc(*n + 1);
    assert_non_null(data);
    rewind(in);
    assert_int_equal(fread(data, 1, *n, in), *n);
    fclose(in);
    return data;
}

static inline void put_little(unsigned char *to, uint64_t x, int n)
{
    for (int i = 0; i < n; i++) to[i] = (unsigned char)(x >> 8 * i);
}

/* A WAV of n numbers of 16 bits, of all channels; gives its bytes. to: room for 44 + 2 n. */
static inline size_t make_wav(unsigned char *to, const int16_t *x, size_t n, int channels, int rate)
{
    memcpy(to, "RIFF....WAVEfmt ", 16);
    put_little(to + 4, 36 + 2 * n, 4);
    put_little(to + 16, 16, 4);
    put_little(to + 20, 1, 2);
    put_little(to + 22, (uint64_t)channels, 2);
    put_little(to + 24, (uint64_t)rate, 4);
    put_little(to + 28, (uint64_t)(rate * channels * 2), 4);
    put_little(to + 32, (uint64_t)channels * 2, 2);
    put_little(to + 34, 16, 2);
    memcpy(to + 36, "data", 4);
    put_little(to + 40, 2 * n, 4);
    for (size_t i = 0; i < n; i++) put_little(to + 44 + 2 * i, (uint16_t)x[i], 2);
    return 44 + 2 * n;
}

/* A tone of so many samples in a file of the folder. */
static inline void put_tone(const files *folder, const char *name, double hertz, int64_t n, int rate)
{
    int16_t *x = malloc((size_t)n * sizeof *x);
    unsigned char *wav = malloc(44 + 2 * (size_t)n);
    assert_true(x && wav);
    for (int64_t i = 0; i < n; i++) x[i] = (int16_t)lrint(20000 * sin(6.28318530717958648 * hertz * (double)i / rate));
    put_file(folder, name, wav, make_wav(wav, x, (size_t)n, 1, rate));
    free(x);
    free(wav);
}

#endif
