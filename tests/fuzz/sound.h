/* Sounds of any format: opened, and their log-mel energies taken at a rate that is theirs or not. */
#ifndef GR_TESTS_FUZZ_SOUND_H
#define GR_TESTS_FUZZ_SOUND_H

#include <math.h>
#include <stdlib.h>

#include "data/sound/sound.h"

static inline void try_sound(gr_context *ctx, const uint8_t *data, size_t n, int64_t rate)
{
    enum { FRAMES = 6, MELS = 5 };
    gr__blob blob;
    gr__sound s;
    gr__mel m;
    float out[FRAMES * MELS];
    gr__bump *b = gr__bump_create(ctx);
    if (!b || gr__mel_make(b, rate, MELS, 200, 300, &m) != GR_OK) abort();
    void *scratch = gr__tensor_alloc(ctx, gr__sound_scratch(&m));
    if (!scratch) abort();
    gr__blob_memory(ctx, "sound", data, n, &blob);
    gr_status st = gr__sound_open(&blob, &s);
    if (st == GR_OK) {
        if (s.frames < 1 || s.channels < 1 || s.rate < 1) abort();
        st = gr__sound_mels(&s, &m, FRAMES, scratch, out);
        for (int i = 0; i < FRAMES * MELS && st == GR_OK; i++)
            if (!isfinite(out[i]) || out[i] < m.floor) abort();
    }
    gr__sound_close(&s);
    gr__blob_close(&blob);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
    gr__tensor_free(ctx, scratch, gr__sound_scratch(&m));
    gr__bump_destroy(b);
}

static inline int try_sounds(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 4 << 20}, &ctx) != GR_OK) return 0;
    try_sound(ctx, data, n, 16000);
    try_sound(ctx, data, n, 11025);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}

#endif
