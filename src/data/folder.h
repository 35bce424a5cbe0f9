/* Files of a kind, each a sample: pictures, sounds. Which of a folder's files they are, of which class, and what their
 * heads say; and what a set has of them beside their numbers. For members of the family "source". */
#ifndef GR_DATA_FOLDER_H
#define GR_DATA_FOLDER_H

#include "data/blob.h"
#include "data/fields.h"

typedef struct gr__file_kind {
    const char *noun;            /* "picture" */
    const char *formats;         /* "PNG, JPEG and PNM are read" */
    const char *const *suffixes; /* what is called so and is none is damaged, not something else; NULL after the last */
    size_t head;                 /* bytes of what the head of a file says */
    /* The head alone. *is false: it is none (GR_OK). GR_E_FORMAT: damaged, or of a form that is not read. */
    gr_status (*look)(const gr__blob *b, void *head, bool *is);
    const char *(*other)(const unsigned char *front, size_t n); /* what else a file is; NULL, or gives it: not known */
} gr__file_kind;

typedef struct gr__file {
    const char *name; /* within the folder */
    uint64_t bytes;
    uint32_t sum; /* of its beginning, middle and end */
    int32_t class_;
    double value;      /* where targets are values */
    void *head;        /* NULL: it was not, or cannot be, read */
    bool faulty;       /* something is wrong with it, or it is left out: a row that is in no part */
    const char *label; /* in a table of labels, where it stands in this line */
    uint64_t line;
} gr__file;

/* A file that is left out. */
typedef struct gr__left_out {
    const char *name, *why;
} gr__left_out;

typedef struct gr__folder {
    gr_context *ctx;
    const gr__file_kind *kind;
    gr__bump *memory;       /* of all names and heads */
    const char *folder;     /* "": names are paths */
    const gr__blob *opened; /* the one file there is, in memory: a pipe is read but once; NULL: files are opened */
    bool skip;              /* damaged ones are left out */
    gr_faults *faults;      /* of the rows, one a file; may be NULL */
    gr__file *file;
    size_t n, room;
    const char *const *class_name;
    int classes;
    bool by_folder; /* classes are the subfolders that there are: none is without a file */
    gr__left_out *damaged;
    size_t n_damaged, damaged_room;
    int64_t others; /* files that are of no such kind */
    const char *other, *other_kind;
} gr__folder;

/* ---- finding them ---- */

/* Memory of its own; `skip` as the row "on_error" says. NULL in `memory` on failure. */
gr__folder gr__folder_begin(gr_context *ctx, const gr_settings *s, const gr__file_kind *kind);
void gr__folder_end(gr__folder *all);
/* What the rows "folder" and "labels" say, with the target that is wanted (NULL: none). */
gr_status gr__folder_find(gr__folder *all, const gr_settings *s, const gr_source_options *o, const gr__entry *target);
/* All files of the folder, or the one file that it is; opened (may be NULL): as it was given. */
gr_status gr__folder_of_files(gr__folder *all, const char *path, const gr__blob *opened, bool *one);

/* The path of a name; and the file there, or what stands for it (may be NULL). path outlives the blob. */
const char *gr__file_path(const char *folder, const char *name, char *path, size_t room);
gr_status gr__file_open(gr_context *ctx, const char *folder, const char *name, const gr__blob *opened, char *path,
                        size_t room, gr__blob *out);

/* Names in a folder, sorted, hidden ones left out; of a kind each. GR_E_FILE. */
typedef enum gr__entry_kind { GR__ENTRY_FILE, GR__ENTRY_FOLDER, GR__ENTRY_ELSE } gr__entry_kind;
typedef struct gr__listed {
    const char *name;
    gr__entry_kind kind;
} gr__listed;
gr__entry_kind gr__path_kind(const char *path);
gr_status gr__folder_list(gr_context *ctx, gr__bump *b, const char *path, gr__listed **out, size_t *n);

/* Adds a file, if it is of the kind: else it is counted among the others, or among the damaged. *added may be NULL. */
gr_status gr__folder_add(gr__folder *all, const char *name, int32_t class_, bool *added);
/* A row whose file is not looked at; GR_E_MEMORY, GR_E_DATA: too many. */
gr_status gr__folder_row(gr__folder *all, gr__file file);
/* After the failure st of row i, whether it is let through: the row is faulty then, and the error taken back. */
gr_status gr__folder_let(gr__folder *all, size_t i, gr_fault_kind kind, gr_status st);
/* Counts a damaged one whose error is kept in ctx, which is then forgotten; other errors pass through. */
gr_status gr__folder_skip(gr__folder *all, gr_context *ctx, const char *name, gr_status st);
/* After the failure st of a class that has no sample: whether that is noted, and the error taken back. */
gr_status gr__folder_gone(const gr__folder *all, const char *path, gr_status st);
/* The first file whose head is known: there is one in whatever gr__folder_find has found. */
size_t gr__folder_first(const gr__folder *all);
/* A subfolder a class. like: the training's classes; NULL: this is the training's, or they are not known. */
gr_status gr__folder_of_classes(gr__folder *all, const gr_schema_target *like);
/* The files that a table names, in its order, with the class or the value (`values`) of each. `like` as above; `held`:
 * it is other data than the training's. */
gr_status gr__folder_of_table(gr__folder *all, const char *table, const gr_schema_target *like, bool held, bool values);

/* ---- their set ---- */

/* One input and, with `targets`, the target that is wanted. */
gr__entries gr__folder_entries(const gr_source_options *o, bool targets);
/* Fields, targets and counts; of the input, the caller says shape, element and bytes. b: where names live that the set
 * keeps; NULL: it keeps none. */
gr_status gr__folder_describe(const gr__folder *all, const gr__entries *e, const gr_source_options *o, gr__bump *b,
                              gr_set *out);
/* The names of all files, in the folder's memory. NULL on failure. */
const char *const *gr__folder_names(const gr__folder *all);
/* Where damaged ones are left out: those that the reader, of so many bytes a sample, cannot read. Only reading tells.
 */
gr_status gr__folder_leave_out(gr__folder *all, const gr_reader *r, size_t sample);
/* Gives the described set its targets, names, and the reader; its memory is the folder's from then on. Says what was
 * left out. The set is freed where st, which is passed through, or this fails. */
gr_status gr__folder_make(gr__folder *all, gr_status st, gr_reader *r, gr_set *s);

#endif
