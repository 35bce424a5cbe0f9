/* A file of another kind than the one that is wanted: a recipe in the place of a model, a model in the place of data,
 * another tool's model, a run's folder. Its first bytes say what it is. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

enum { HEAD = 4096 };

typedef struct head {
    const char *path;
    unsigned char byte[HEAD];
    size_t n;
    uint64_t size; /* of the whole file */
} head;

typedef enum place { MODEL, RECIPE, DATA, RUN } place;
typedef struct wanted {
    place place;
    const char *noun;
} wanted;

static const char any_data[] = "data";

static const char save_weights[] = "write its weights as safetensors, which gradus import takes: "
                                   "safetensors.torch.save_file(net.state_dict(), \"weights.safetensors\")";
static const char save_arrays[] =
    "write its weights as arrays, which gradus import takes, from Keras with --map keras: "
    "numpy.savez(\"weights.npz\", **{v.path: v.numpy() for v in net.variables})";
static const char take_weights[] = "gradus import FILE -o MODEL --recipe RECIPE takes its initialisers as weights";
static const char data_after[] = "a model comes first and is a file such as RUN/best.safetensors; data comes after it: "
                                 "gradus predict MODEL DATA, gradus eval MODEL --data RECIPE";
static const char data_in_source[] =
    "data stands in a source: a recipe names it, as in data: {train: {type: csv, file: F, target: NAME}}, and "
    "eval --data '{type: csv, file: F, target: NAME}' takes one too";
static const char new_recipe[] = "gradus new --from simple-cnn -o my.yaml writes a recipe to start from";
static const char is_folder[] = "a run is the folder that gradus train writes, runs/NAME unless --out says otherwise";
static const char npz_archive[] = "an NPZ archive";
static const char a_table[] = "a table of text";
static const char folder_of_pictures[] =
    "{type: images, folder: DIR} reads a folder of them, a subfolder for each class";
static const char give_array[] = "give one array as NPY: numpy.save(\"x.npy\", x)";

/* What files begin with, and what to do with one. The first row that fits counts. */
static const struct {
    const char *magic;
    size_t bytes;
    const char *suffix; /* NULL: any */
    const char *what;
    const char *hint; /* where a model is wanted; of data: where data of another kind is */
    bool data;
} kinds[] = {
    {"PK\3\4", 4, ".pt", "a PyTorch file (a ZIP archive of pickles)", save_weights, false},
    {"PK\3\4", 4, ".pth", "a PyTorch file (a ZIP archive of pickles)", save_weights, false},
    {"PK\3\4", 4, ".keras", "a model of Keras (a ZIP archive)", save_arrays, false},
    {"PK\3\4", 4, ".npz", npz_archive, "{type: npz, file: F, inputs: NAME, targets: NAME} reads it", true},
    {"PK\3\4", 4, NULL, "a ZIP archive", save_weights, false},
    {"\x80\2", 2, NULL, "a pickle, as PyTorch wrote them before ZIP", save_weights, false},
    {"\x80\3", 2, NULL, "a pickle", save_weights, false},
    {"\x80\4", 2, NULL, "a pickle", save_weights, false},
    {"\x80\5", 2, NULL, "a pickle", save_weights, false},
    {"\x89HDF\r\n", 6, NULL, "an HDF5 file, as Keras writes models", save_arrays, false},
    {"GGUF", 4, NULL, "a GGUF file", save_arrays, false},
    {"\x93NUMPY", 6, NULL, "an NPY array", "{type: npy, inputs: X, targets: Y} reads it", true},
    {"\x1f\x8b", 2, NULL, "a gzip file", NULL, true},
    {"\0\0\x08", 3, NULL, "an IDX file", "{type: idx, images: X, labels: Y} reads it", true},
    {"\x89PNG", 4, NULL, "a picture", folder_of_pictures, true},
    {"\xff\xd8\xff", 3, NULL, "a picture", folder_of_pictures, true},
};

static bool ends(const char *path, const char *suffix)
{
    size_t n = strlen(path), k = strlen(suffix);
    return n >= k && strcasecmp(path + n - k, suffix) == 0;
}

static bool read_head(const char *path, head *h)
{
    struct stat about;
    *h = (head){.path = path};
    int fd = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return false;
    ssize_t got = read(fd, h->byte, sizeof h->byte - 1); /* a NUL follows */
    close(fd);
    h->n = got > 0 ? (size_t)got : 0;
    h->size = (uint64_t)about.st_size;
    return h->n > 0;
}

static bool is_safetensors(const head *h)
{
    uint64_t header = 0;
    for (int i = 0; i < 8; i++) header |= (uint64_t)h->byte[i] << (8 * i);
    return h->n > 8 && h->byte[8] == '{' && header <= h->size - 8;
}

/* A checkpoint is a safetensors file too: its metadata names the instruction set that it was written under. */
static bool is_checkpoint(const head *h)
{
    static const char key[] = "\"gradus.isa\"";
    if (!is_safetensors(h)) return false;
    for (size_t i = 8; i + sizeof key - 1 <= h->n; i++)
        if (memcmp(h->byte + i, key, sizeof key - 1) == 0) return true;
    return ends(h->path, ".ckpt");
}

/* Protocol buffers without a magic: field 1, the version of the format, then field 2, the producer's name. */
static bool is_onnx(const head *h)
{
    return ends(h->path, ".onnx") || (h->n > 4 && h->byte[0] == 8 && h->byte[1] < 32 && h->byte[2] == 0x12);
}

/* Text, but for a character that the end of `head` cuts. */
static bool is_text(const head *h)
{
    size_t at;
    return gr__is_text((const char *)h->byte, h->n, &at) || (h->n == HEAD - 1 && at + 4 > h->n);
}

/* YAML that has a key of a recipe at the start of a line. */
static bool is_recipe(const head *h)
{
    static const char *const keys[] = {"gradus:", "model:", "data:", "layers:", "input:"};
    if (!is_text(h)) return false;
    for (const char *line = (const char *)h->byte; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        for (size_t i = 0; i < GR_COUNT(keys); i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0) return true;
    return false;
}

static int times(const char *s, size_t n, char c)
{
    int k = 0;
    for (size_t i = 0; i < n; i++) k += s[i] == c;
    return k;
}

/* Two lines or more with as many commas, semicolons, tabs or bars. */
static bool is_table(const head *h)
{
    const char *first = (const char *)h->byte;
    size_t n = strcspn(first, "\r\n"), gap = strspn(first + n, "\r\n");
    const char *second = first + n + gap;
    size_t m = strcspn(second, "\r\n");
    if (!is_text(h) || *first == '{' || *first == '[') return false;
    for (const char *d = ",;\t|"; *d; d++)
        if (times(first, n, *d) > 0 && times(first, n, *d) == times(second, m, *d)) return true;
    return ends(h->path, ".csv") || ends(h->path, ".tsv");
}

static gr_status say_as(gr_context *ctx, gr_status code, const char *path, wanted w, const char *what, const char *hint)
{
    const char *ours = w.place == MODEL && strstr(what, "model") ? " of gradus" : "";
    gr_context_clear_error(ctx);
    if (w.place == DATA) /* the place is the key that names the file */
        gr__fail(ctx, code, "\"%s\" is %s, not %s", path, what, w.noun);
    else
        gr__fail(ctx, code, "it is %s, not %s%s", what, w.noun, ours);
    if (w.place != DATA) gr__error_place(ctx, path, 0, 0, NULL);
    if (hint) gr__error_hint(ctx, "%s", hint);
    return code;
}

/* What a recipe's file holds is the recipe's fault. */
static gr_status say(gr_context *ctx, const char *path, wanted w, const char *what, const char *hint)
{
    return say_as(ctx, w.place == RECIPE ? GR_E_SYNTAX : GR_E_FORMAT, path, w, what, hint);
}

static gr_status say_folder(gr_context *ctx, const char *path, wanted w, gr_status st)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "recipe.yaml"};
    for (size_t i = w.place == RECIPE ? 2 : 0; i < (w.place == MODEL ? 2 : GR_COUNT(names)); i++) {
        char inside[4200];
        snprintf(inside, sizeof inside, "%.4000s%s%s", path, ends(path, "/") ? "" : "/", names[i]);
        if (!gr__file_exists(inside)) continue;
        say_as(ctx, st, path, w, "a run's folder", NULL);
        if (w.place == DATA)
            gr__error_hint(ctx, "data is a file: NPY, CSV, IDX");
        else
            gr__error_hint(ctx, "did you mean %s?", inside);
        return gr__error_code(ctx);
    }
    return st;
}

static const char *hint_of(wanted w, bool data, const char *own)
{
    if (w.place == RECIPE) return data ? data_in_source : new_recipe;
    if (w.place == MODEL) return data ? data_after : own;
    if (w.place == RUN) return is_folder;
    return data ? own : give_array;
}

/* An archive whose first member is an array is one of arrays, whatever it is called. */
static bool holds_arrays(const head *h)
{
    static const char suffix[] = ".npy";
    enum { LENGTH = 26, NAME = 30 };
    size_t n = h->n > NAME ? h->byte[LENGTH] | (size_t)h->byte[LENGTH + 1] << 8 : 0, k = sizeof suffix - 1;
    return n >= k && NAME + n <= h->n && memcmp(h->byte + NAME + n - k, suffix, k) == 0;
}

/* What the first bytes tell for sure. */
static gr_status by_magic(gr_context *ctx, const head *h, wanted w)
{
    for (size_t i = 0; i < GR_COUNT(kinds); i++) {
        const char *what = kinds[i].what;
        if (h->n < kinds[i].bytes || memcmp(h->byte, kinds[i].magic, kinds[i].bytes) != 0) continue;
        bool arrays = kinds[i].what == npz_archive && holds_arrays(h);
        if (kinds[i].suffix && !ends(h->path, kinds[i].suffix) && !arrays) continue;
        bool may_be =
            w.place == DATA && kinds[i].data && (w.noun == any_data || !kinds[i].hint || strcmp(what, w.noun) == 0);
        return may_be ? GR_OK : say(ctx, h->path, w, what, hint_of(w, kinds[i].data, kinds[i].hint));
    }
    return is_onnx(h) ? say(ctx, h->path, w, "an ONNX model", hint_of(w, false, take_weights)) : GR_OK;
}

static gr_status by_content(gr_context *ctx, const head *h, wanted w)
{
    if (w.place != MODEL && is_checkpoint(h))
        return say(ctx, h->path, w, "a checkpoint", "train RUN --resume goes on from a run's newest one");
    if (w.place != MODEL && is_safetensors(h))
        return say(ctx, h->path, w, "a model (safetensors)",
                   w.noun == any_data  ? "the model comes first, then the data: gradus predict MODEL DATA"
                   : w.place == DATA   ? "train --from MODEL starts from a model"
                   : w.place == RECIPE ? "gradus eval and predict take it; the recipe of a run is its recipe.yaml"
                                       : is_folder);
    if (is_recipe(h))
        return w.place == RECIPE ? GR_OK
                                 : say(ctx, h->path, w, "a recipe",
                                       w.place == DATA    ? "data is a file of numbers: NPY, CSV, IDX"
                                       : w.place == MODEL ? "training writes models: RUN/best.safetensors"
                                                          : is_folder);
    bool other_data = w.place == DATA && w.noun != any_data && strcmp(w.noun, a_table) != 0;
    if ((w.place != DATA || other_data) && is_table(h))
        return say(ctx, h->path, w, a_table, hint_of(w, true, "{type: csv, file: F, target: NAME} reads it"));
    bool json = h->byte[0] == '{' || h->byte[0] == '[';
    if (w.place == DATA && json && is_text(h))
        return say(ctx, h->path, w, "JSON", "write its numbers as a table, a line a sample, or as NPY");
    if (w.place == MODEL && is_text(h)) return say(ctx, h->path, w, "text", data_after);
    return GR_OK;
}

static gr_status mistaken(gr_context *ctx, const char *path, wanted w, gr_status st)
{
    struct stat about;
    head h;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) return say_folder(ctx, path, w, st);
    if (!read_head(path, &h)) return st;
    gr_status said = by_magic(ctx, &h, w);
    if (said == GR_OK) said = by_content(ctx, &h, w);
    return said == GR_OK ? st : said;
}

gr_status gr__mistaken_model(gr_context *ctx, const char *path, gr_status st)
{
    return st == GR_E_FORMAT || st == GR_E_FILE ? mistaken(ctx, path, (wanted){MODEL, "a model"}, st) : st;
}

gr_status gr__mistaken_recipe(gr_context *ctx, const char *path, gr_status st)
{
    bool maybe = st == GR_E_SYNTAX || st == GR_E_FILE || st == GR_E_TYPE;
    return maybe ? mistaken(ctx, path, (wanted){RECIPE, "a recipe"}, st) : st;
}

gr_status gr__mistaken_data(gr_context *ctx, const char *path, const char *kind, gr_status st)
{
    bool maybe = st == GR_E_FORMAT || st == GR_E_FILE || st == GR_E_DATA;
    return maybe ? mistaken(ctx, path, (wanted){DATA, kind ? kind : any_data}, st) : st;
}

gr_status gr__mistaken_run(gr_context *ctx, const char *path, gr_status st)
{
    return st == GR_E_FORMAT || st == GR_E_FILE ? mistaken(ctx, path, (wanted){RUN, "a run"}, st) : st;
}
