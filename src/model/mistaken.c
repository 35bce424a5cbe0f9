/* A file of another kind than the one that is wanted: a recipe in the place of a model, another tool's model, a run's
 * folder. Its first bytes say what it is. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "model/file.h"

enum { HEAD = 4096 };

typedef struct head {
    const char *path;
    unsigned char byte[HEAD];
    size_t n;
    uint64_t size; /* of the whole file */
} head;

static const char save_weights[] = "write its weights as safetensors, which train --from takes: "
                                   "safetensors.torch.save_file(net.state_dict(), \"weights.safetensors\")";
static const char is_data[] = "it is data: a recipe names it, as in data: {train: {type: npy, inputs: x.npy, ...}}";
static const char new_recipe[] = "gradus new --from simple-cnn -o my.yaml writes a recipe to start from";

/* What files begin with, and what to do with one. The first row that fits counts. */
static const struct {
    const char *magic;
    size_t bytes;
    const char *suffix; /* NULL: any */
    const char *what;
    const char *hint; /* where a model is wanted; NULL: nothing to add */
    bool data;
} kinds[] = {
    {"PK\3\4", 4, ".pt", "a PyTorch file (a ZIP archive of pickles)", save_weights, false},
    {"PK\3\4", 4, ".pth", "a PyTorch file (a ZIP archive of pickles)", save_weights, false},
    {"PK\3\4", 4, ".keras", "a Keras model (a ZIP archive)", NULL, false},
    {"PK\3\4", 4, ".npz", "an NPZ archive", NULL, true},
    {"PK\3\4", 4, NULL, "a ZIP archive", save_weights, false},
    {"\x80\2", 2, NULL, "a pickle, as PyTorch wrote them before ZIP", save_weights, false},
    {"\x80\3", 2, NULL, "a pickle", save_weights, false},
    {"\x80\4", 2, NULL, "a pickle", save_weights, false},
    {"\x80\5", 2, NULL, "a pickle", save_weights, false},
    {"\x89HDF\r\n", 6, NULL, "an HDF5 file, as Keras writes models", NULL, false},
    {"GGUF", 4, NULL, "a GGUF file", NULL, false},
    {"", 0, ".onnx", "an ONNX model", NULL, false},
    {"\x93NUMPY", 6, NULL, "an NPY array", NULL, true},
    {"\x1f\x8b", 2, NULL, "a gzip file", NULL, true},
    {"\0\0\x08", 3, NULL, "an IDX file", NULL, true},
    {"\x89PNG", 4, NULL, "a picture", NULL, true},
    {"\xff\xd8\xff", 3, NULL, "a picture", NULL, true},
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

/* YAML that has a key of a recipe at the start of a line. */
static bool is_recipe(const head *h)
{
    static const char *const keys[] = {"gradus:", "model:", "data:", "layers:", "input:"};
    const char *s = (const char *)h->byte;
    if (memchr(s, '\0', h->n)) return false;
    for (const char *line = s; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        for (size_t i = 0; i < GR_COUNT(keys); i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0) return true;
    return false;
}

static gr_status say(gr_context *ctx, const char *path, bool model, const char *what, const char *hint)
{
    gr_context_clear_error(ctx);
    gr__fail(ctx, model ? GR_E_FORMAT : GR_E_SYNTAX, "it is %s, not a %s", what, model ? "model" : "recipe");
    gr__error_place(ctx, path, 0, 0, NULL);
    if (hint) gr__error_hint(ctx, "%s", hint);
    return gr__error_code(ctx);
}

static gr_status say_folder(gr_context *ctx, const char *path, bool model, gr_status st)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "recipe.yaml"};
    for (size_t i = model ? 0 : 2; i < (model ? 2 : GR_COUNT(names)); i++) {
        char inside[4200];
        snprintf(inside, sizeof inside, "%.4000s%s%s", path, ends(path, "/") ? "" : "/", names[i]);
        if (!gr__file_exists(inside)) continue;
        gr_context_clear_error(ctx);
        gr__fail(ctx, st, "it is a run's folder, not a %s", model ? "model" : "recipe");
        gr__error_place(ctx, path, 0, 0, NULL);
        gr__error_hint(ctx, "did you mean %s?", inside);
        break;
    }
    return st;
}

static gr_status mistaken(gr_context *ctx, const char *path, bool model, gr_status st)
{
    struct stat about;
    head h;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) return say_folder(ctx, path, model, st);
    if (!read_head(path, &h)) return st;
    for (size_t i = 0; i < GR_COUNT(kinds); i++) {
        if (h.n < kinds[i].bytes || memcmp(h.byte, kinds[i].magic, kinds[i].bytes) != 0) continue;
        if (kinds[i].suffix && !ends(path, kinds[i].suffix)) continue;
        const char *hint = kinds[i].data ? is_data : model ? kinds[i].hint : new_recipe;
        return say(ctx, path, model, kinds[i].what, hint);
    }
    if (model && is_recipe(&h))
        return say(ctx, path, model, "a recipe", "training writes models, as gradus train does: RUN/best.safetensors");
    if (!model && is_safetensors(&h))
        return say(ctx, path, model, "a model (safetensors)",
                   "gradus eval and predict take it; the recipe of a run is its recipe.yaml");
    return st;
}

gr_status gr__mistaken_model(gr_context *ctx, const char *path, gr_status st)
{
    return st == GR_E_FORMAT || st == GR_E_FILE ? mistaken(ctx, path, true, st) : st;
}

gr_status gr__mistaken_recipe(gr_context *ctx, const char *path, gr_status st)
{
    return st == GR_E_SYNTAX || st == GR_E_FILE ? mistaken(ctx, path, false, st) : st;
}
