/* From a sound to frames of log-mel energies, in pieces: decoded, brought to the wanted rate, cut into windows. */
#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "data/sound/sound.h"

/* libsamplerate's medium quality: 121 dB, nine tenths of the band. The best is four times as slow, and what it keeps
 * more lies above the last bands. */
#define QUALITY SRC_SINC_MEDIUM_QUALITY

const char *gr__sound_libraries(char *text, size_t n)
{
    snprintf(text, n, "%s, %.40s", sf_version_string(), src_get_version());
    return text;
}

typedef struct flow { /* all arrays but `rest` hold GR__SOUND_BLOCK */
    gr__sound *sound;
    SRC_STATE *change; /* NULL: the rate is the wanted one */
    double ratio;
    double *block, *mono;
    float *in, *out;
    int64_t at, n;     /* of `in`: what the resampler has not yet taken */
    int64_t from, end; /* of `mono` (`out` where the rate changes): what is ready */
} flow;

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t gr__sound_scratch(const gr__mel *m)
{
    return 2 * GR__SOUND_BLOCK * (sizeof(double) + sizeof(float)) + whole_lines((size_t)m->window * sizeof(double)) +
           whole_lines(2 * (size_t)m->fft * sizeof(double));
}

/* The next numbers of the file. */
static gr_status decode(flow *f, int64_t *n)
{
    *n = GR_MIN(f->sound->left, GR__SOUND_BLOCK / f->sound->channels);
    return *n ? gr__sound_read(f->sound, f->block, *n, f->mono) : GR_OK;
}

static gr_status refuse(const flow *f, int code)
{
    return gr__fail(f->sound->blob->ctx, GR_E_FORMAT, "\"%s\" cannot be brought to another rate: %s",
                    f->sound->blob->name, src_strerror(code));
}

/* More numbers at the wanted rate; none where there are no more. */
static gr_status more(flow *f)
{
    gr_status st = GR_OK;
    f->from = f->end = 0;
    if (!f->change) return decode(f, &f->end);
    while (f->end == 0) {
        if (f->at == f->n) {
            f->at = 0;
            st = decode(f, &f->n);
            if (st != GR_OK) return st;
            for (int64_t i = 0; i < f->n; i++) f->in[i] = (float)f->mono[i];
        }
        SRC_DATA d = {.data_in = f->in + f->at,
                      .data_out = f->out,
                      .input_frames = (long)(f->n - f->at),
                      .output_frames = GR__SOUND_BLOCK,
                      .end_of_input = f->sound->left == 0,
                      .src_ratio = f->ratio};
        int code = src_process(f->change, &d);
        if (code) return refuse(f, code);
        f->at += d.input_frames_used;
        f->end = d.output_frames_gen;
        if (f->end == 0 && d.input_frames_used == 0 && f->sound->left == 0) return GR_OK;
    }
    return GR_OK;
}

/* The next n numbers to `to` (NULL: over them), zeros after the last. */
static gr_status pull(flow *f, double *to, int64_t n)
{
    while (n) {
        if (f->from == f->end) {
            gr_status st = more(f);
            if (st != GR_OK) return st;
            if (f->end == 0) break;
        }
        int64_t k = GR_MIN(n, f->end - f->from);
        if (to && f->change)
            for (int64_t i = 0; i < k; i++) to[i] = f->out[f->from + i];
        else if (to)
            memcpy(to, f->mono + f->from, (size_t)k * sizeof *to);
        if (to) to += k;
        f->from += k;
        n -= k;
    }
    if (to && n) memset(to, 0, (size_t)n * sizeof *to);
    return GR_OK;
}

/* `window` becomes the next one, m->hop further on. */
static gr_status slide(flow *f, const gr__mel *m, double *window)
{
    int64_t keep = GR_MAX(m->window - m->hop, 0);
    gr_status st = m->hop > m->window ? pull(f, NULL, m->hop - m->window) : GR_OK;
    memmove(window, window + m->window - keep, (size_t)keep * sizeof *window);
    return st == GR_OK ? pull(f, window + keep, m->window - keep) : st;
}

static gr_status begin(flow *f, const gr__mel *m)
{
    f->ratio = (double)m->rate / f->sound->rate;
    if (f->sound->rate == m->rate) return GR_OK;
    int code = 0;
    if (!src_is_valid_ratio(f->ratio))
        return gr__fail(f->sound->blob->ctx, GR_E_FORMAT,
                        "\"%s\" has %d samples a second, more than 256 times more or fewer than %lld",
                        f->sound->blob->name, f->sound->rate, (long long)m->rate);
    f->change = src_new(QUALITY, 1, &code);
    return f->change ? GR_OK : refuse(f, code);
}

gr_status gr__sound_mels(gr__sound *s, const gr__mel *m, int64_t frames, void *scratch, float *out)
{
    double *block = scratch, *mono = block + GR__SOUND_BLOCK;
    float *in = (float *)(mono + GR__SOUND_BLOCK), *changed = in + GR__SOUND_BLOCK;
    double *window = (double *)(changed + GR__SOUND_BLOCK);
    double *work = (double *)((char *)window + whole_lines((size_t)m->window * sizeof *window));
    flow f = {.sound = s, .block = block, .mono = mono, .in = in, .out = changed};
    int64_t has = GR_MIN(gr__mel_frames(m, gr__mel_samples(m, s->frames, s->rate)), frames);
    gr_status st = begin(&f, m);
    for (int64_t i = 0; i < has && st == GR_OK; i++) {
        st = i ? slide(&f, m, window) : pull(&f, window, m->window);
        if (st == GR_OK) gr__mel_frame(m, window, work, out + i * m->mels);
    }
    for (int64_t i = has * m->mels; i < frames * m->mels && st == GR_OK; i++) out[i] = m->floor;
    if (f.change) src_delete(f.change);
    return st;
}
