/* Folders: their files of a kind, sorted bytewise, and what else is in them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "data/folder.h"

enum { MOST_FILES = 100000000 };

gr__folder gr__folder_begin(gr_context *ctx, const gr_settings *s, const gr__file_kind *kind)
{
    return (gr__folder){
        .ctx = ctx, .kind = kind, .memory = gr__bump_create(ctx), .skip = gr__setting_is(s, "on_error", "skip")};
}

void gr__folder_end(gr__folder *all)
{
    gr__free(all->ctx, all->file, all->room * sizeof *all->file);
    gr__free(all->ctx, all->damaged, all->damaged_room * sizeof *all->damaged);
    gr__bump_destroy(all->memory);
}

const char *gr__file_path(const char *folder, const char *name, char *path, size_t room)
{
    bool bare = !folder[0] || name[0] == '/';
    snprintf(path, room, "%s%s%s", bare ? "" : folder, bare ? "" : "/", name);
    return path;
}

gr_status gr__file_open(gr_context *ctx, const char *folder, const char *name, const gr__blob *opened, char *path,
                        size_t room, gr__blob *out)
{
    gr__file_path(folder, name, path, room);
    if (!opened) return gr__blob_open(ctx, path, out);
    gr__blob_part(opened, path, 0, opened->bytes, out);
    out->ctx = ctx;
    return GR_OK;
}

/* ---- what is in a folder ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const gr__listed *)a)->name, ((const gr__listed *)b)->name);
}

static gr_status fail_folder(gr_context *ctx, const char *path, int code)
{
    char reason[128];
    return gr__fail(ctx, GR_E_FILE, "cannot read the folder \"%s\": %s", path,
                    gr__errno_text(code, reason, sizeof reason));
}

gr__entry_kind gr__path_kind(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) return GR__ENTRY_ELSE;
    return S_ISREG(about.st_mode) ? GR__ENTRY_FILE : S_ISDIR(about.st_mode) ? GR__ENTRY_FOLDER : GR__ENTRY_ELSE;
}

static gr_status read_names(gr_context *ctx, gr__bump *b, const char *path, DIR *dir, gr__listed **list, size_t *n,
                            size_t *room)
{
    char whole[4200];
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) return errno ? fail_folder(ctx, path, errno) : GR_OK;
        if (e->d_name[0] == '.') continue;
        if (!GR_ROOM(ctx, *list, *room, *n + 1)) return GR_E_MEMORY;
        const char *name = gr__bump_strdup(b, e->d_name);
        if (!name) return GR_E_MEMORY;
        (*list)[(*n)++] = (gr__listed){name, gr__path_kind(gr__file_path(path, name, whole, sizeof whole))};
    }
}

gr_status gr__folder_list(gr_context *ctx, gr__bump *b, const char *path, gr__listed **out, size_t *n)
{
    gr__listed *list = NULL;
    size_t room = 0;
    *n = 0;
    DIR *dir = opendir(path);
    if (!dir) return fail_folder(ctx, path, errno);
    gr_status st = read_names(ctx, b, path, dir, &list, n, &room);
    closedir(dir);
    *out = st == GR_OK ? gr__bump_alloc(b, GR_MAX(*n, 1) * sizeof **out) : NULL;
    if (*out && *n) {
        memcpy(*out, list, *n * sizeof *list);
        qsort(*out, *n, sizeof **out, by_name);
    }
    gr__free(ctx, list, room * sizeof *list);
    return st == GR_OK && !*out ? GR_E_MEMORY : st;
}

/* ---- files ---- */

static bool ends(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcasecmp(name + n - k, suffix) == 0;
}

static bool is_called_so(const gr__file_kind *kind, const char *name)
{
    for (const char *const *suffix = kind->suffixes; *suffix; suffix++)
        if (ends(name, *suffix)) return true;
    return false;
}

static gr_status count_other(gr__folder *all, const char *name, const char *kind)
{
    if (all->others++) return GR_OK;
    all->other = name;
    all->other_kind = kind;
    return GR_OK;
}

/* None by its content. */
static gr_status no_such(gr__folder *all, const gr__blob *b, const char *name)
{
    unsigned char x[16] = {0};
    size_t n = (size_t)GR_MIN(b->bytes, sizeof x);
    gr_status st = gr__blob_read(b, 0, x, n);
    if (st != GR_OK) return st;
    const char *is = all->kind->other ? all->kind->other(x, n) : NULL;
    if (!is_called_so(all->kind, name)) return count_other(all, name, is);
    if (is || b->bytes == 0)
        return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is %s: %s", b->name, is ? is : "empty", all->kind->formats);
    return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is no %s, whatever its name says: %s", b->name, all->kind->noun,
                    all->kind->formats);
}

gr_status gr__folder_skip(gr__folder *all, gr_context *ctx, const char *name, gr_status st)
{
    if ((st != GR_E_FORMAT && st != GR_E_FILE && st != GR_E_DATA) || !all->skip) return st;
    if (!GR_ROOM(all->ctx, all->damaged, all->damaged_room, all->n_damaged + 1)) return GR_E_MEMORY;
    const char *why = gr__bump_strdup(all->memory, gr_context_error(ctx)->message);
    if (!why) return GR_E_MEMORY;
    all->damaged[all->n_damaged++] = (gr__left_out){name, why};
    gr_context_clear_error(ctx);
    return GR_OK;
}

/* Of all bytes of a small file, of 12 KiB of others: a file that is replaced by another one as large is noticed, and
 * nothing is read that would not soon be. */
static gr_status sum_file(const gr__blob *b, uint32_t *sum)
{
    enum { PIECE = 4096, PIECES = 3 };
    unsigned char piece[PIECE];
    uint64_t places[PIECES] = {0, b->bytes / 2 - GR_MIN(b->bytes / 2, PIECE / 2), b->bytes - GR_MIN(b->bytes, PIECE)};
    gr_status st = GR_OK;
    *sum = 0;
    for (uint64_t i = 0, at = 0; i < PIECES && st == GR_OK; i++) {
        at = b->bytes <= PIECE * PIECES ? i * PIECE : places[i];
        if (at >= b->bytes) break;
        size_t n = (size_t)GR_MIN(b->bytes - at, PIECE);
        st = gr__blob_read(b, at, piece, n);
        if (st == GR_OK) *sum = gr__crc32(*sum, piece, n);
    }
    return st;
}

gr_status gr__folder_row(gr__folder *all, gr__file file)
{
    if (all->n >= MOST_FILES)
        return gr__fail(all->ctx, GR_E_DATA, "there are more than %d %ss", MOST_FILES, all->kind->noun);
    if (!GR_ROOM(all->ctx, all->file, all->room, all->n + 1)) return GR_E_MEMORY;
    all->file[all->n++] = file;
    return GR_OK;
}

/* Where damaged files are left out by themselves rows are numbered without them, later: other faults are of the file.
 */
static bool let(gr__folder *all, const gr__file *file, size_t i, gr_fault_kind kind)
{
    if (!all->skip) return gr__fault_let(all->faults, kind, (int64_t)i, all->ctx);
    if (!all->faults || !all->faults->note) return false;
    const char *why = gr_context_error(all->ctx)->message;
    bool noted = gr__fault_file(all->faults,
                                (gr_fault){.file = file->name, .line = file->line, .text = why, .kind = kind}) == GR_OK;
    if (noted) gr_context_clear_error(all->ctx);
    return noted;
}

gr_status gr__folder_let(gr__folder *all, size_t i, gr_fault_kind kind, gr_status st)
{
    if ((st != GR_E_FORMAT && st != GR_E_FILE && st != GR_E_DATA) || !let(all, &all->file[i], i, kind)) return st;
    all->file[i].faulty = true;
    return GR_OK;
}

static gr_status look_at(gr__folder *all, gr__file *file, bool *is)
{
    char path[4200];
    gr__blob b;
    file->head = gr__bump_alloc(all->memory, all->kind->head);
    if (!file->head) return GR_E_MEMORY;
    gr_status st = gr__file_open(all->ctx, all->folder, file->name, all->opened, path, sizeof path, &b);
    if (st != GR_OK) return st;
    file->bytes = b.bytes;
    st = all->kind->look(&b, file->head, is);
    *is = *is && st == GR_OK;
    if (st == GR_OK && !*is) st = no_such(all, &b, file->name);
    if (st == GR_OK && *is) st = sum_file(&b, &file->sum);
    gr__blob_close(&b);
    return st;
}

gr_status gr__folder_add(gr__folder *all, const char *name, int32_t class_, bool *added)
{
    bool is = false;
    gr__file file = {.name = name, .class_ = class_};
    gr_status st = look_at(all, &file, &is), row = GR_OK;
    bool damaged = st != GR_OK && st != GR_E_MEMORY && !all->skip;
    if (st != GR_OK) file.head = NULL;
    if (is || damaged) row = gr__folder_row(all, file); /* a damaged one is a row all the same, if it is let through */
    if (row != GR_OK) return row;
    st = damaged ? gr__folder_let(all, all->n - 1, GR_FAULT_UNDECODABLE, st) : gr__folder_skip(all, all->ctx, name, st);
    if (added) *added = is || (damaged && st == GR_OK);
    return st;
}

gr_status gr__folder_gone(const gr__folder *all, const char *path, gr_status st)
{
    if (!all->faults || !all->faults->note) return st;
    const gr_fault fault = {.file = path, .text = gr_context_error(all->ctx)->message, .kind = GR_FAULT_NO_SAMPLE};
    st = gr__fault_file(all->faults, fault);
    if (st == GR_OK) gr_context_clear_error(all->ctx);
    return st;
}

size_t gr__folder_first(const gr__folder *all)
{
    size_t i = 0;
    while (i + 1 < all->n && !all->file[i].head) i++;
    return i;
}

/* ---- a folder of classes ---- */

static gr_status unknown_class(const gr__folder *all, const gr_schema_target *like, const char *name)
{
    gr_status st = gr__fail(all->ctx, GR_E_DATA, "\"%s/%s\" is none of the classes of training", all->folder, name);
    gr__error_hint(all->ctx, "there are %d, from \"%s\" to \"%s\"", like->n_class_names, like->class_names[0],
                   like->class_names[like->n_class_names - 1]);
    return st;
}

/* class_ -1: none of those that `like` has. */
static gr_status add_class(gr__folder *all, const gr_schema_target *like, const char *name, int32_t class_, size_t *n)
{
    char path[4200];
    gr__listed *list;
    size_t files = 0, before = all->n;
    gr_status st =
        gr__folder_list(all->ctx, all->memory, gr__file_path(all->folder, name, path, sizeof path), &list, &files);
    for (size_t i = 0; i < files && st == GR_OK; i++) {
        const char *inside = gr__bump_format(all->memory, "%s/%s", name, list[i].name);
        bool added = false;
        st = !inside                          ? GR_E_MEMORY
             : list[i].kind == GR__ENTRY_FILE ? gr__folder_add(all, inside, class_, &added)
                                              : count_other(all, inside, NULL);
        if (st == GR_OK && added && class_ < 0)
            st = gr__folder_let(all, all->n - 1, GR_FAULT_LABEL_RANGE, unknown_class(all, like, name));
    }
    *n = all->n - before;
    return st;
}

static int32_t known_class(const gr_schema_target *like, const char *name)
{
    for (int i = 0; i < like->n_class_names; i++)
        if (strcmp(like->class_names[i], name) == 0) return i;
    return -1;
}

static gr_status no_classes(const gr__folder *all, size_t files)
{
    gr_status st = gr__fail(all->ctx, GR_E_DATA,
                            files ? "\"%s\" holds no subfolders, but files: there is a subfolder for each class"
                                  : "\"%s\" is empty: there is a subfolder for each class",
                            all->folder);
    if (files)
        gr__error_hint(all->ctx, "or a table of the columns file and label says the class of each: labels: FILE.csv");
    return st;
}

static gr_status none_inside(const gr__folder *all, const char *name)
{
    char more[128] = "";
    if (all->n_damaged) snprintf(more, sizeof more, " (%zu damaged ones are left out)", all->n_damaged);
    return gr__fail(all->ctx, GR_E_DATA, "the folder \"%s%s%s\" holds no %s: %s%s", all->folder, name ? "/" : "",
                    name ? name : "", all->kind->noun, all->kind->formats, more);
}

/* The number that a subfolder's class gets, which is the next one in training. */
static int32_t number_class(gr__folder *all, const gr_schema_target *like, const char *name, const char **names)
{
    if (like) return known_class(like, name);
    names[all->classes] = name;
    return all->classes++;
}

/* A class without a sample, which training has to have. */
static gr_status empty_class(gr__folder *all, const char *name)
{
    char path[4200];
    return gr__folder_gone(all, gr__file_path(all->folder, name, path, sizeof path), none_inside(all, name));
}

gr_status gr__folder_of_classes(gr__folder *all, const gr_schema_target *like)
{
    gr__listed *list;
    size_t n = 0, in_class;
    gr_status st = gr__folder_list(all->ctx, all->memory, all->folder, &list, &n);
    const char **names = st == GR_OK ? gr__bump_alloc(all->memory, GR_MAX(n, 1) * sizeof *names) : NULL;
    if (!names) return gr__error_code(all->ctx);
    size_t lone = 0, folders = 0;
    const char *first = NULL;
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        if (list[i].kind != GR__ENTRY_FOLDER) {
            st = count_other(all, list[i].name, NULL);
            continue;
        }
        folders++;
        int32_t class_ = number_class(all, like, list[i].name, names);
        GR_TRY(add_class(all, like, list[i].name, class_, &in_class));
        if (in_class == 0 && class_ < 0) GR_TRY(unknown_class(all, like, list[i].name));
        if (in_class == 0 && !like) GR_TRY(empty_class(all, list[i].name));
        if (in_class == 1 && lone++ == 0) first = list[i].name;
    }
    if (st == GR_OK && folders == 0) st = no_classes(all, n);
    if (st == GR_OK && all->n == 0) st = none_inside(all, NULL);
    all->by_folder = !like;
    all->class_name = like ? like->class_names : names;
    if (like) all->classes = like->n_class_names;
    if (st == GR_OK && lone && !like)
        gr__log(all->ctx, GR_LOG_INFO,
                "%s: %zu class%s of one %s, \"%s\"%s: no part of a split can show it beside another", all->folder, lone,
                lone > 1 ? "es" : "", all->kind->noun, first, lone > 1 ? " the first" : "");
done:
    return st;
}

/* ---- files as they are given ---- */

gr_status gr__folder_of_files(gr__folder *all, const char *path, const gr__blob *opened, bool *one)
{
    gr__listed *list;
    size_t n = 0;
    gr_status st = GR_OK;
    all->folder = "";
    all->opened = opened && opened->fd < 0 ? opened : NULL;
    *one = gr__path_kind(path) != GR__ENTRY_FOLDER;
    if (*one) {
        st = gr__folder_add(all, path, 0, NULL);
        if (st != GR_OK || all->n || all->n_damaged) return st;
        if (all->other_kind)
            return gr__fail(all->ctx, GR_E_FORMAT, "\"%s\" is %s: %s", path, all->other_kind, all->kind->formats);
        return gr__fail(all->ctx, GR_E_FORMAT, "\"%s\" is no %s: %s", path, all->kind->noun, all->kind->formats);
    }
    st = gr__folder_list(all->ctx, all->memory, path, &list, &n);
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        const char *inside = gr__bump_format(all->memory, "%s/%s", path, list[i].name);
        st = !inside                          ? GR_E_MEMORY
             : list[i].kind == GR__ENTRY_FILE ? gr__folder_add(all, inside, 0, NULL)
                                              : count_other(all, inside, NULL);
    }
    bool folders = false;
    for (size_t i = 0; i < n && st == GR_OK; i++) folders |= list[i].kind == GR__ENTRY_FOLDER;
    if (st == GR_OK && all->n == 0) {
        all->folder = path;
        st = none_inside(all, NULL);
        if (folders) gr__error_hint(all->ctx, "its subfolders are not looked into: name them, %s/*", path);
    }
    return st;
}
