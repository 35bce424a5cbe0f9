/* Sound files as numbers. Only three formats and plain codings of them come near the decoder; what their headers
 * promise is held against the file first, since the decoder takes what is there for all that should be. */
#include "data/sound/sound.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

#define MOST_RATE 768000
#define MOST_PER_BYTE 8192 /* frames that a byte may stand for: blocks of silence in FLAC and Opus come near */
#define OGG_HEADER 27
#define OGG_PAGE (OGG_HEADER + 255 + 255 * 255)

static gr_status refuse(const gr__blob *b, const char *what)
{
    return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" %s", b->name, what);
}

/* ---- what headers promise ---- */

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t x = 0;
    while (n--) x = x << 8 | p[n];
    return x;
}

/* RIFF and RF64: chunks one after the other, of which the one called "data" holds the numbers. */
static gr_status check_wav(const gr__blob *b, bool wide)
{
    uint64_t at = 12, long_size = UINT64_MAX;
    unsigned char head[8], sizes[16];
    gr_status st = GR_OK;
    while (b->bytes - at >= sizeof head) {
        GR_TRY(gr__blob_read(b, at, head, sizeof head));
        uint64_t size = little(head + 4, 4), left = b->bytes - at - sizeof head;
        bool data = memcmp(head, "data", 4) == 0;
        if (wide && memcmp(head, "ds64", 4) == 0 && size >= sizeof sizes && left >= sizeof sizes) {
            GR_TRY(gr__blob_read(b, at + sizeof head, sizes, sizeof sizes));
            long_size = little(sizes + 8, 8);
        }
        if (data && size == UINT32_MAX) size = wide ? long_size : left; /* written to a pipe: as far as it goes */
        if (size > left)
            return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is cut off: its %s should have %llu bytes, but %llu are left",
                            b->name, data ? "sound" : "header", (unsigned long long)size, (unsigned long long)left);
        if (data) return GR_OK;
        at += GR_MIN(sizeof head + size + (size & 1), b->bytes - at);
    }
    st = refuse(b, "holds no sound: it has no \"data\"");
done:
    return st;
}

/* The last page says that it is the last, and is whole. */
static gr_status check_ogg(const gr__blob *b, unsigned char *tail)
{
    size_t n = (size_t)GR_MIN(b->bytes, OGG_PAGE);
    gr_status st = gr__blob_read(b, b->bytes - n, tail, n);
    for (size_t i = n; st == GR_OK && i-- > 0;) {
        if (n - i < OGG_HEADER || memcmp(tail + i, "OggS", 4) != 0) continue;
        size_t bytes = OGG_HEADER + tail[i + 26];
        for (size_t k = 0; k < tail[i + 26] && OGG_HEADER + k < n - i; k++) bytes += tail[i + OGG_HEADER + k];
        return bytes <= n - i && tail[i + 5] & 4 ? GR_OK : refuse(b, "is cut off: its last page is missing");
    }
    return st == GR_OK ? refuse(b, "is cut off: its last page is missing") : st;
}

/* Which of the three it is, as libsndfile has them; 0: none. */
static int format_of(const unsigned char *front, size_t n)
{
    if (n >= 12 && memcmp(front + 8, "WAVE", 4) == 0)
        return memcmp(front, "RIFF", 4) == 0 || memcmp(front, "RF64", 4) == 0 ? SF_FORMAT_WAV : 0;
    if (n < 4) return 0;
    return memcmp(front, "OggS", 4) == 0 ? SF_FORMAT_OGG : memcmp(front, "fLaC", 4) == 0 ? SF_FORMAT_FLAC : 0;
}

bool gr__sound_begins(const unsigned char *front, size_t n)
{
    return format_of(front, n) != 0;
}

static gr_status check(const gr__blob *b, int *format)
{
    unsigned char front[12] = {0};
    size_t n = (size_t)GR_MIN(b->bytes, sizeof front);
    gr_status st = gr__blob_read(b, 0, front, n);
    if (st != GR_OK) return st;
    if (b->bytes == 0) return refuse(b, "is empty");
    *format = format_of(front, n);
    if (!*format) return refuse(b, "is no sound: WAV, FLAC and OGG are read");
    if (*format == SF_FORMAT_WAV) return check_wav(b, front[1] == 'F');
    if (*format == SF_FORMAT_FLAC) return GR_OK;
    unsigned char *tail = gr__alloc(b->ctx, OGG_PAGE);
    st = tail ? check_ogg(b, tail) : GR_E_MEMORY;
    gr__free(b->ctx, tail, OGG_PAGE);
    return st;
}

/* ---- the decoder's view of the blob ---- */

static sf_count_t blob_length(void *user)
{
    return (sf_count_t)((gr__sound *)user)->blob->bytes;
}

static sf_count_t blob_seek(sf_count_t offset, int whence, void *user)
{
    gr__sound *s = user;
    int64_t end = (int64_t)s->blob->bytes, base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : end;
    s->at = offset < -base ? 0 : offset > end - base ? end : base + offset;
    return s->at;
}

static sf_count_t blob_read(void *to, sf_count_t n, void *user)
{
    gr__sound *s = user;
    int64_t left = (int64_t)s->blob->bytes - s->at;
    n = GR_MIN(n, left);
    if (n <= 0 || s->read != GR_OK) return 0;
    s->read = gr__blob_read(s->blob, (uint64_t)s->at, to, (size_t)n);
    if (s->read != GR_OK) return 0;
    s->at += n;
    return n;
}

static sf_count_t blob_write(const void *from, sf_count_t n, void *user)
{
    (void)from, (void)n, (void)user;
    return 0;
}

static sf_count_t blob_tell(void *user)
{
    return ((gr__sound *)user)->at;
}

/* ---- opening and reading ---- */

static bool is_plain(int format)
{
    static const int plain[] = {SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24,
                                SF_FORMAT_PCM_32, SF_FORMAT_FLOAT,  SF_FORMAT_DOUBLE, SF_FORMAT_ULAW,
                                SF_FORMAT_ALAW,   SF_FORMAT_VORBIS, SF_FORMAT_OPUS};
    for (size_t i = 0; i < GR_COUNT(plain); i++)
        if ((format & SF_FORMAT_SUBMASK) == plain[i]) return true;
    return false;
}

/* What the header says of a file that could be opened. */
static gr_status take(gr__sound *s, const SF_INFO *info)
{
    const gr__blob *b = s->blob;
    if (!is_plain(info->format)) return refuse(b, "is packed in a way that is not read: save it as PCM, FLAC or OGG");
    if (info->channels < 1 || info->channels > GR__SOUND_CHANNELS)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" has %d channels; 1 to %d are read", b->name, info->channels,
                        GR__SOUND_CHANNELS);
    if (info->samplerate < 1 || info->samplerate > MOST_RATE)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" has %d samples a second; 1 to %d are read", b->name,
                        info->samplerate, MOST_RATE);
    if (info->frames < 1) return refuse(b, "holds no sound: it has no samples");
    if ((uint64_t)info->frames / MOST_PER_BYTE > b->bytes)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" promises %lld samples, more than its %llu bytes can hold", b->name,
                        (long long)info->frames, (unsigned long long)b->bytes);
    s->frames = s->left = info->frames;
    s->channels = info->channels;
    s->rate = info->samplerate;
    return GR_OK;
}

gr_status gr__sound_open(const gr__blob *blob, gr__sound *out)
{
    SF_VIRTUAL_IO io = {blob_length, blob_seek, blob_read, blob_write, blob_tell};
    int format = 0;
    *out = (gr__sound){.blob = blob};
    gr_status st = check(blob, &format);
    if (st != GR_OK) return st;
    SF_INFO info = {0};
    out->file = sf_open_virtual(&io, SFM_READ, &info, out);
    if (out->read != GR_OK)
        st = out->read;
    else if (!out->file)
        st = gr__fail(blob->ctx, GR_E_FORMAT, "\"%s\" begins like a %s file, but its header is damaged", blob->name,
                      format == SF_FORMAT_WAV    ? "WAV"
                      : format == SF_FORMAT_FLAC ? "FLAC"
                                                 : "OGG");
    else
        st = take(out, &info);
    if (st != GR_OK) gr__sound_close(out);
    return st;
}

void gr__sound_close(gr__sound *s)
{
    if (s->file) sf_close(s->file);
    s->file = NULL;
}

gr_status gr__sound_read(gr__sound *s, double *block, int64_t n, double *out)
{
    const gr__blob *b = s->blob;
    sf_count_t got = sf_readf_double(s->file, block, n);
    if (s->read != GR_OK) return s->read;
    if (got != n || sf_error(s->file) != SF_ERR_NO_ERROR)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is damaged or cut off: of %lld samples, %lld can be decoded",
                        b->name, (long long)s->frames, (long long)(s->frames - s->left + GR_MIN(GR_MAX(got, 0), n)));
    s->left -= n;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int c = 0; c < s->channels; c++) sum += block[i * s->channels + c];
        out[i] = sum / s->channels;
        if (!isfinite(out[i]))
            return gr__fail(b->ctx, GR_E_DATA, "\"%s\" holds a sample that is not a finite number, at %.3f s", b->name,
                            (double)(s->frames - s->left - n + i) / s->rate);
    }
    return GR_OK;
}
