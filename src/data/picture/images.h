/* Folders of pictures: which files are samples, of which class, and what their heads say. For the source `images`. */
#ifndef GR_DATA_PICTURE_IMAGES_H
#define GR_DATA_PICTURE_IMAGES_H

#include "data/fields.h"
#include "data/picture/picture.h"

typedef struct gr__image {
    const char *name; /* within the folder */
    int32_t class_;
    double value; /* where targets are values */
    gr__picture head;
} gr__image;

/* A file that is left out. */
typedef struct gr__left_out {
    const char *name, *why;
} gr__left_out;

typedef struct gr__images {
    gr_context *ctx;
    gr__bump *memory;   /* of all names */
    const char *folder; /* "": names are paths */
    gr__picture_way way;
    bool skip; /* damaged ones are left out */
    gr__image *image;
    size_t n, room;
    const char *const *class_name;
    int classes;
    bool by_folder; /* classes are the subfolders that there are: none is without a picture */
    gr__left_out *damaged;
    size_t n_damaged, damaged_room;
    int64_t others; /* files that are no pictures */
    const char *other, *other_kind;
} gr__images;

/* The source itself, for pictures that are given to models of other data. */
extern const gr_source gr__source_images;

void gr__images_free(gr__images *all);
/* The path of a name, in b or `room` bytes. */
const char *gr__image_path(const char *folder, const char *name, char *path, size_t room);

/* Names in a folder, sorted, hidden ones left out; of a kind each. GR_E_FILE. */
typedef enum gr__entry_kind { GR__ENTRY_FILE, GR__ENTRY_FOLDER, GR__ENTRY_ELSE } gr__entry_kind;
typedef struct gr__listed {
    const char *name;
    gr__entry_kind kind;
} gr__listed;
gr__entry_kind gr__path_kind(const char *path);
gr_status gr__folder_list(gr_context *ctx, gr__bump *b, const char *path, gr__listed **out, size_t *n);

/* Adds a file, if it is a picture: else it is counted among the others, or among the damaged. *added may be NULL. */
gr_status gr__images_add(gr__images *all, const char *name, int32_t class_, bool *added);
/* Counts a damaged one whose error is kept in ctx, which is then forgotten; other errors pass through. */
gr_status gr__images_skip(gr__images *all, gr_context *ctx, const char *name, gr_status st);

/* A subfolder a class. like: the training's classes; NULL: this is the training's, or they are not known. */
gr_status gr__images_of_classes(gr__images *all, const gr_schema_target *like);
/* All files of the folder, or the one file that it is. */
gr_status gr__images_of_folder(gr__images *all, bool *one);
/* The files that a table names, in its order, with the class or the value (`values`) of each. `like` as above; `held`:
 * it is other data than the training's. */
gr_status gr__images_of_table(gr__images *all, const char *table, const gr_schema_target *like, bool held, bool values);

#endif
