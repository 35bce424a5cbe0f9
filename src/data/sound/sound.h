/* Sound: files decoded by libsndfile, brought to one channel and one rate (libsamplerate), and the log-mel energies of
 * what they hold. Everything is read in pieces: what a thread needs is known before a file is opened. */
#ifndef GR_DATA_SOUND_SOUND_H
#define GR_DATA_SOUND_SOUND_H

#include "data/blob.h"

/* ---- decoding ---- */

enum {
    GR__SOUND_CHANNELS = 64,   /* at most */
    GR__SOUND_BLOCK = 1 << 14, /* numbers of all channels that are decoded at a time */
};

typedef struct gr__sound {
    const gr__blob *blob;
    void *file;     /* SNDFILE */
    int64_t at;     /* where the decoder reads in the blob */
    gr_status read; /* how the blob's last reading went */
    int64_t frames; /* numbers of one channel, as the header says */
    int64_t left;   /* of them, not yet decoded */
    int channels, rate;
} gr__sound;

/* Whether a file of these first bytes (12 will do) says that it is one of the formats below. */
bool gr__sound_begins(const unsigned char *front, size_t n);
/* WAV (PCM of 8 to 32 bits, floats, the two laws), FLAC and OGG (Vorbis, Opus), told by their first bytes. The blob
 * outlives it. GR_E_FORMAT: another format, cut off, or numbers that such a file cannot have. */
gr_status gr__sound_open(const gr__blob *blob, gr__sound *out);
void gr__sound_close(gr__sound *s); /* a zeroed one is fine */
/* The next n numbers, channels averaged, of those that are left; `block` holds GR__SOUND_BLOCK doubles, n numbers of
 * all channels are not more. GR_E_FORMAT where there are fewer, or one is not finite. */
gr_status gr__sound_read(gr__sound *s, double *block, int64_t n, double *out);

/* ---- log-mel energies ---- */

typedef struct gr__mel {
    int64_t rate, mels, window, hop; /* samples a second, bands, and samples */
    int64_t fft;                     /* the power of two that holds a window */
    double *hann;                    /* window */
    double *turn;                    /* fft/2 pairs: exp(-2 pi i k / fft) */
    int64_t *first, *n;              /* bands: which of the fft/2 + 1 powers have a weight, from where on */
    double **weight;                 /* bands */
    float floor;                     /* the energy of silence, which fills up */
} gr__mel;

/* Tables for windows of `window` samples, all in b. */
gr_status gr__mel_make(gr__bump *b, int64_t rate, int64_t mels, int64_t window, int64_t hop, gr__mel *out);
/* Frames of n samples at m->rate: those that fit without padding, one at least. */
int64_t gr__mel_frames(const gr__mel *m, int64_t n);
/* Samples at m->rate that a sound of n at `rate` becomes. */
int64_t gr__mel_samples(const gr__mel *m, int64_t n, int rate);
/* One frame: x has m->window samples, work 2 fft doubles. */
void gr__mel_frame(const gr__mel *m, const double *x, double *work, float *out);

/* The libraries that decode and change the rate, with their versions. */
const char *gr__sound_libraries(char *text, size_t n);

/* The first `frames` frames of a sound, [frames, mels]; those that it does not have are m->floor. scratch: of so many
 * bytes, aligned to 64. */
size_t gr__sound_scratch(const gr__mel *m);
gr_status gr__sound_mels(gr__sound *s, const gr__mel *m, int64_t frames, void *scratch, float *out);

#endif
