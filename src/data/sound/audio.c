/* The source `audio`: a folder of sounds, a subfolder a class, or a table that names them, as log-mel energies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "data/sound/sound.h"

#define MOST_WINDOW 65536 /* samples */
#define MOST_FRAMES 1000000

typedef struct audio {
    gr__folder all;
    gr__mel mel;    /* in the folder's memory */
    int64_t frames; /* of every sample; 0: as the longest */
    bool picture;   /* a sample has an axis of channels */
    bool lengths;   /* how many frames each really has is told */
} audio;

typedef struct head { /* what a file says of itself */
    int64_t samples;
    int rate;
} head;

/* ---- files ---- */

static gr_status look(const gr__blob *b, void *out, bool *is)
{
    head *h = out;
    gr__sound s = {0};
    unsigned char front[12];
    size_t n = (size_t)GR_MIN(b->bytes, sizeof front);
    gr_status st = gr__blob_read(b, 0, front, n);
    *is = st == GR_OK && gr__sound_begins(front, n);
    if (!*is) return st;
    st = gr__sound_open(b, &s);
    if (st == GR_OK) *h = (head){s.frames, s.rate};
    gr__sound_close(&s);
    return st;
}

static const char *other(const unsigned char *x, size_t n)
{
    if (n >= 12 && memcmp(x, "FORM", 4) == 0 && memcmp(x + 8, "AIF", 3) == 0) return "an AIFF sound, which is not read";
    if (n >= 3 && memcmp(x, "ID3", 3) == 0) return "an MP3 sound, which is not read";
    if (n >= 2 && x[0] == 0xFF && (x[1] & 0xE6) == 0xE2) return "an MP3 sound, which is not read";
    return NULL;
}

static const char *const suffixes[] = {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", NULL};
static const gr__file_kind sounds = {"sound", "WAV, FLAC and OGG are read", suffixes, sizeof(head), look, other};

/* 0 of one whose head is not known. */
static int64_t frames_of(const audio *a, size_t i)
{
    const head *h = a->all.file[i].head;
    if (!h) return 0;
    return gr__mel_frames(&a->mel, gr__mel_samples(&a->mel, h->samples, h->rate));
}

/* ---- samples, decoded one by one ---- */

typedef struct reader {
    gr_reader reader;
    const char *folder;
    const gr__blob *opened; /* as the folder's; held before it is closed */
    const char *const *name;
    const head **head; /* of each */
    gr__mel mel;
    int64_t frames;
} reader;

static gr_status read_sound(gr_context *ctx, const gr_reader *of, int64_t row, void *scratch, void *out)
{
    const reader *r = (const reader *)of;
    char path[4200];
    gr__blob b;
    gr__sound s;
    gr_status st = gr__file_open(ctx, r->folder, r->name[row], r->opened, path, sizeof path, &b);
    if (st != GR_OK) return st;
    st = gr__sound_open(&b, &s);
    const head *was = r->head[row];
    if (st == GR_OK && (!was || s.frames != was->samples || s.rate != was->rate))
        st = gr__fail(ctx, GR_E_DATA, "\"%s\" has changed since its header was read", path);
    if (st == GR_OK) st = gr__sound_mels(&s, &r->mel, r->frames, scratch, out);
    gr__sound_close(&s);
    gr__blob_close(&b);
    return st;
}

static void close_reader(gr_context *ctx, gr_reader *r)
{
    gr__free(ctx, r, sizeof(reader));
}

static gr_status open_reader(const audio *a, reader **out)
{
    reader *r = gr__alloc(a->all.ctx, sizeof *r);
    if (!r) return GR_E_MEMORY;
    *r = (reader){.reader = {.read = read_sound, .close = close_reader, .scratch = gr__sound_scratch(&a->mel)},
                  .mel = a->mel,
                  .opened = a->all.opened,
                  .frames = a->frames,
                  .folder = gr__bump_strdup(a->all.memory, a->all.folder),
                  .name = gr__folder_names(&a->all),
                  .head = gr__bump_alloc(a->all.memory, GR_MAX(a->all.n, 1) * sizeof *r->head)};
    *out = r;
    if (!r->folder || !r->name || !r->head) return GR_E_MEMORY;
    for (size_t i = 0; i < a->all.n; i++) r->head[i] = a->all.file[i].head;
    return GR_OK;
}

/* ---- what the settings say ---- */

/* "25 ms" or "0.025 s" as samples. */
static gr_status samples_of(gr_context *ctx, const gr_settings *s, const char *row, int64_t least, int64_t *out)
{
    const char *text = gr__setting_text(s, row);
    const gr_tree *at = gr__source_at(s, row);
    char *unit;
    double x = strtod(text, &unit), rate = (double)gr__setting_int(s, "rate");
    unit += strspn(unit, " ");
    bool milli = strcmp(unit, "ms") == 0;
    if (unit == text || (!milli && strcmp(unit, "s") != 0) || !isfinite(x))
        return gr__tree_fail(ctx, at, GR_E_TYPE, "write 25 ms, or 0.025 s", "\"%s\" is not a time", text);
    double n = x * rate / (milli ? 1000 : 1);
    if (!(n > (double)least - 0.5) || n > MOST_WINDOW)
        return gr__tree_fail(ctx, at, GR_E_RANGE, NULL, "%s at %g samples a second are %.0f samples, not %lld to %d",
                             text, rate, GR_MAX(GR_MIN(n, 1e15), -1e15), (long long)least, MOST_WINDOW);
    *out = (int64_t)(n + 0.5);
    return GR_OK;
}

/* A band so narrow that no frequency of the transform is in it never holds more than silence. */
static void tell_of_empty(const audio *a)
{
    int64_t empty = 0;
    for (int64_t i = 0; i < a->mel.mels; i++) {
        double sum = 0;
        for (int64_t k = 0; k < a->mel.n[i]; k++) sum += a->mel.weight[i][k];
        empty += sum == 0;
    }
    if (empty)
        gr__log(a->all.ctx, GR_LOG_WARNING,
                "%lld of %lld bands are so narrow that windows of %lld samples see nothing in them: they are always "
                "silent; take fewer mels, or a longer window",
                (long long)empty, (long long)a->mel.mels, (long long)a->mel.window);
}

static gr_status begin(gr_context *ctx, const gr_settings *s, audio *out)
{
    *out = (audio){.all = gr__folder_begin(ctx, s, &sounds),
                   .picture = gr__setting_is(s, "shape", "picture"),
                   .lengths = gr__setting_bool(s, "lengths")};
    int64_t window, hop;
    if (!out->all.memory) return GR_E_MEMORY;
    gr_status st = samples_of(ctx, s, "window", 2, &window);
    if (st == GR_OK) st = samples_of(ctx, s, "hop", 1, &hop);
    if (st != GR_OK) return st;
    if (gr__setting_tree(s, "frames")) out->frames = gr__setting_int(s, "frames");
    return gr__mel_make(out->all.memory, gr__setting_int(s, "rate"), gr__setting_int(s, "mels"), window, hop,
                        &out->mel);
}

/* As given, as the network takes them, or as the longest has. */
static gr_status settle_frames(audio *a, const gr_source_options *o)
{
    size_t longest = 0;
    char path[4200];
    if (!a->frames && o->wants) a->frames = o->wants->steps[0];
    if (a->frames) return GR_OK;
    for (size_t i = 1; i < a->all.n; i++)
        if (frames_of(a, i) > frames_of(a, longest)) longest = i;
    a->frames = frames_of(a, longest);
    if (a->frames <= MOST_FRAMES) return GR_OK;
    gr__fail(a->all.ctx, GR_E_DATA, "\"%s\" has %lld frames, more than %d",
             gr__file_path(a->all.folder, a->all.file[longest].name, path, sizeof path), (long long)a->frames,
             MOST_FRAMES);
    gr__error_hint(a->all.ctx, "frames: N cuts longer ones");
    return GR_E_DATA;
}

/* ---- the set ---- */

static gr__entries entries_of(const audio *a, const gr_source_options *o, bool targets)
{
    gr__entries e = gr__folder_entries(o, targets);
    if (!a->lengths) return e;
    e.n_lengths = 1;
    e.entry[gr__entries_n(&e) - 1] = (gr__entry){.name = e.entry[0].name, .role = GR_FIELD_LENGTH};
    return e;
}

static gr_field *length_of(gr_set *s)
{
    return s->n_lengths ? &s->field[gr__set_fields(s) - 1] : NULL;
}

static gr_status describe(const audio *a, const gr__entries *e, const gr_source_options *o, gr__bump *b, gr_set *out)
{
    gr_status st = gr__folder_describe(&a->all, e, o, b, out);
    if (st != GR_OK) return st;
    gr_field *x = &out->field[0], *length = length_of(out);
    x->timed = a->picture;
    x->sample = a->picture ? GR_SHAPE(a->frames, a->mel.mels, 1) : GR_SHAPE(a->frames, a->mel.mels);
    x->element = GR_EL_F32;
    x->bytes = (uint64_t)out->n * (uint64_t)(a->frames * a->mel.mels) * sizeof(float);
    if (!length) return GR_OK;
    length->sample = GR_SCALAR;
    length->element = GR_EL_I32;
    length->bytes = (uint64_t)out->n * sizeof(int32_t);
    return GR_OK;
}

static gr_status take_lengths(const audio *a, gr_set *s)
{
    gr_field *length = length_of(s);
    if (!length) return GR_OK;
    int32_t *x = gr__tensor_alloc(a->all.ctx, (size_t)length->bytes);
    if (!x) return gr__error_code(a->all.ctx);
    for (size_t i = 0; i < a->all.n; i++) x[i] = (int32_t)GR_MAX(GR_MIN(frames_of(a, i), a->frames), 1);
    length->data = x;
    return GR_OK;
}

/* Leaves out what cannot be decoded, by a reader of all of them. */
static gr_status leave_out(audio *a)
{
    reader *r = NULL;
    if (!a->all.skip) return GR_OK;
    gr_status st = open_reader(a, &r);
    if (st == GR_OK) st = gr__folder_leave_out(&a->all, &r->reader, (size_t)(a->frames * a->mel.mels) * sizeof(float));
    if (r) close_reader(a->all.ctx, &r->reader);
    return st;
}

/* Sounds are cut to a number of frames that nobody gave for it. */
static void tell_of_cut(const audio *a, bool given)
{
    int64_t cut = 0;
    for (size_t i = 0; i < a->all.n && !given; i++) cut += frames_of(a, i) > a->frames;
    if (cut)
        gr__log(a->all.ctx, GR_LOG_INFO, "%s: %lld of %zu sounds are longer than the model's %lld frames, and cut",
                a->all.folder[0] ? a->all.folder : "sounds", (long long)cut, a->all.n, (long long)a->frames);
}

/* Lets the set have what was found; its memory is that of the folder. */
static gr_status make(audio *a, const gr__entries *e, const gr_source_options *o, gr_set *out)
{
    reader *r = NULL;
    gr_set s = {0};
    bool given = a->frames > 0;
    gr_status st = settle_frames(a, o);
    if (st == GR_OK) st = leave_out(a);
    if (st == GR_OK) st = describe(a, e, o, a->all.memory, &s);
    if (st == GR_OK) st = take_lengths(a, &s);
    if (st == GR_OK) st = open_reader(a, &r);
    if (st == GR_OK) tell_of_cut(a, given);
    if (st == GR_OK) tell_of_empty(a);
    st = gr__folder_make(&a->all, st, r ? &r->reader : NULL, &s);
    if (st == GR_OK) *out = s;
    return st;
}

static gr_status find(gr_context *ctx, const gr_settings *s, const gr_source_options *o, audio *a, gr__entries *e)
{
    gr_status st = gr__entries_lone(ctx, s, o);
    *a = (audio){.all = {.ctx = ctx}};
    if (st == GR_OK) st = begin(ctx, s, a);
    if (st != GR_OK) return st;
    *e = entries_of(a, o, true);
    return gr__folder_find(&a->all, s, o, e->n_targets ? &e->entry[1] : NULL);
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    audio a;
    gr__entries e;
    gr_status st = find(ctx, s, o, &a, &e);
    if (st == GR_OK) st = settle_frames(&a, o);
    if (st == GR_OK) st = describe(&a, &e, o, o->memory, out);
    gr__folder_end(&a.all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    audio a;
    gr__entries e;
    gr_status st = find(ctx, s, o, &a, &e);
    if (st == GR_OK) st = make(&a, &e, o, out);
    gr__folder_end(&a.all);
    return gr__source_place(ctx, s, "folder", st);
}

static gr_status raw(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *file, gr_set *out)
{
    audio a;
    bool one = false;
    gr_status st = begin(ctx, s, &a);
    const gr__entries e = entries_of(&a, o, false);
    if (st == GR_OK) st = gr__folder_of_files(&a.all, file, o->opened, &one);
    if (st == GR_OK) st = make(&a, &e, o, out);
    if (st == GR_OK) out->one = one;
    gr__folder_end(&a.all);
    return st;
}

static const gr_row rows[] = {
    {.name = "folder",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "a subfolder for each class, its name the class's; or the folder that the names of `labels` start from"},
    {.name = "labels",
     .kind = GR_ROW_PATH,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "a table with the columns file and label, instead of subfolders: which sounds are read, and what each is"},
    {.name = "rate",
     .kind = GR_ROW_INT,
     .value = "16000",
     .range = "[1000,768000]",
     .unit = "samples a second",
     .help = "what all are brought to"},
    {.name = "mels", .kind = GR_ROW_INT, .value = "64", .range = "[1,1024]", .unit = "bands", .help = "how many"},
    {.name = "window",
     .kind = GR_ROW_TEXT,
     .value = "25 ms",
     .range = "a time, in ms or s",
     .unit = "",
     .help = "how much of the sound a frame is made of"},
    {.name = "hop",
     .kind = GR_ROW_TEXT,
     .value = "10 ms",
     .range = "a time, in ms or s",
     .unit = "",
     .help = "from one frame to the next"},
    {.name = "frames",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[1,1000000]",
     .unit = "frames",
     .help = "what all are brought to: longer ones are cut, shorter ones filled up with the lowest energy; the first "
             "number of model.input unless given"},
    {.name = "shape",
     .kind = GR_ROW_CHOICE,
     .value = "sequence",
     .range = "sequence|picture",
     .unit = "",
     .help = "a sample is [frames, mels], or [frames, mels, 1]"},
    {.name = "lengths",
     .kind = GR_ROW_BOOL,
     .value = "false",
     .range = "",
     .unit = "",
     .help = "layers learn how many of the frames each sound has, and what fills it up does not count",
     .idle = "shape: picture"},
    {.name = "on_error",
     .kind = GR_ROW_CHOICE,
     .value = "stop",
     .range = "stop|skip",
     .unit = "",
     .help =
         "a damaged sound ends the run, or is left out and told of; to know them, skip decodes all before training"},
};

GR_SOURCE(audio) = {
    .head = {.family = "source",
             .name = "audio",
             .title = "Folders of sounds: WAV, FLAC and OGG, as log-mel energies",
             .cite = "Davis & Mermelstein 1980; HTK",
             .equations =
                 "x: mean of the channels, full scale 1, brought to `rate` by a windowed sinc; w and h: window and hop "
                 "in samples, rounded; n: the power of two from w on, 4 at least\n"
                 "frame t: X_k = sum of x[t h + i] hann[i] exp(-2 pi j i k / n), i = 0..w-1; hann[i] = 1/2 - 1/2 cos(2 "
                 "pi i / w); as many as fit, without padding (of a sound shorter than w: one, zeros behind it)\n"
                 "E[t, m] = log(max(sum of H_m(k rate / n) |X_k|^2, k = 0..n/2, 1e-10)), natural logarithm\n"
                 "H_m(f): a triangle of height 1 from c_m over c_m+1 to c_m+2, linear in Hz; c: mels + 2 places "
                 "from 0 to rate / 2, even in mel(f) = 2595 log10(1 + f / 700)\n"
                 "what fills up is log 1e-10. Files are told by their content and come in sorted order (bytewise), "
                 "classes too",
             GR_ROWS(rows)},
    .reads = true,
    .info = info,
    .load = load,
    .raw = raw,
    .libraries = gr__sound_libraries,
};
