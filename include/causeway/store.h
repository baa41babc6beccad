/* causeway/store.h - the only joint between producing and analysing: a directory of immutable,
 * checksummed segments.
 *
 * A store is a directory DIR/store of HDF5 files, one per segment, each written to a temporary
 * name, flushed to disk and renamed: a segment is complete or absent, whatever happens. It is never changed,
 * but replaced as a whole by one without what a stage goes on from, once later ones have that. Every
 * segment carries the resolved job's text, so that each describes itself; where a run was given more to do,
 * stage "job" holds the texts of all its jobs, one a segment, the last of them the store's. A seal behind the HDF5
 * data (a CRC-32 of the whole file) is checked before anything else looks at a file; inside, data
 * sets have Fletcher32 checksums and the metadata theirs. h5dump and h5py read the files as they
 * are. Segment k of a stage is STAGE.kkkkkk.h5, with '/' in the stage's name written as '+'.
 *
 * Only rank 0 touches files. Functions marked Collective are called by every rank alike and end
 * alike on every rank. Not thread-safe: a store is used by one thread at a time. docs:
 * src/ensemble/README.md. */
#ifndef CAUSEWAY_STORE_H
#define CAUSEWAY_STORE_H

#include "causeway/core.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CW_ARRAY_NAME  64 /* bytes of an array's name, with the final zero */
#define CW_ARRAY_RANK  8
#define CW_ARRAY_NOTES 2

/* A text about an array: an attribute of its data set, for those who read the file with other
 * programs. docs/results.md lists them. Reading a store leaves them out. */
typedef struct {
  const char *key; /* static: "columns"; NULL: none */
  char *text;      /* owned */
} cw_array_note;

/* Numbers of an array that lie nowhere in one piece: rows [first, first + n) of its first dimension, into out, row-major. */
typedef void (*cw_array_rows)(const void *of, long first, long n, double *out);

/* Takes rows [first, first + n), which are the caller's. */
typedef void (*cw_take_rows)(void *of, long first, long n, const double *rows);

typedef struct {
  char name[CW_ARRAY_NAME]; /* letters, digits and any of _-.+ */
  int rank;                 /* 0 (scalar) .. CW_ARRAY_RANK */
  long dim[CW_ARRAY_RANK];  /* rank of them; 0 is allowed: an array without elements */
  double *data;             /* row-major; NULL where rows makes them */
  bool owned;               /* data is freed with the set */
  cw_array_rows rows;       /* NULL: they are in data */
  const void *of;           /* of rows; borrowed */
  cw_array_note note[CW_ARRAY_NOTES];
} cw_array;

/* A set of named arrays: what a segment holds. Zero-initialise before use. */
typedef struct {
  cw_array *array;
  int n, capacity;
} cw_arrays;

/* Adds an array, or replaces the one of that name. Local. dim (rank): NULL for a scalar. data: as
 * many doubles as the product of dim; put copies it, lend borrows it (it must outlive the set,
 * which only reads it), give hands it over (from malloc; freed on failure too). CW_EINVAL: a bad name, rank or dimension; CW_ENOMEM. After a failure the
 * set is as it was. */
cw_status cw_arrays_put(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                        const long *dim, const double *data);
cw_status cw_arrays_lend(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                         const long *dim, const double *data);
cw_status cw_arrays_give(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                         const long *dim, double *data);
/* An array that is only written, whose numbers are made while it is, in the order of rows: no memory for all of them is taken.
 * rank: 1 or more. of is borrowed. Local. The same failures. */
cw_status cw_arrays_put_rows(cw_context *ctx, cw_arrays *set, const char *name, int rank,
                             const long *dim, cw_array_rows rows, const void *of);
cw_status cw_arrays_put_scalar(cw_context *ctx, cw_arrays *set, const char *name, double value);
/* Gives the array of that name a note, or another text to the one that it has; an array that is not
 * there is passed over. Local. key: static, one of "columns", "units", "kind", "extents"; text: copied. CW_ENOMEM. */
cw_status cw_arrays_note(cw_context *ctx, cw_arrays *set, const char *name, const char *key,
                         const char *text);
const cw_array *cw_arrays_get(const cw_arrays *set,
                              const char *name); /* borrowed; NULL: not there */
double cw_arrays_scalar(const cw_arrays *set, const char *name,
                        double otherwise); /* last element of the array */
long cw_array_size(const cw_array *a);     /* elements */
void cw_arrays_clear(
    cw_arrays *set); /* frees what it owns; the set is empty and may be used again */

typedef struct cw_store cw_store;

/* Opens DIR/store (made if missing, with its parents) for writing and reading. Collective.
 * job_text: the resolved job of a store without segments; one that has some keeps its own, which may be
 * another (cw_store_job). CW_EINVAL: the store has segments and resume is false. CW_EIO: no directory can be
 * made there or written to, or another process is writing to this store. CW_ECORRUPT: a segment is
 * damaged or missing from the sequence. Stray temporary files are removed. */
cw_status cw_store_create(cw_context *ctx, const char *dir, const char *job_text, bool resume,
                          cw_store **out);

/* Opens an existing store for reading only. Collective. CW_EIO: there is none, or it has no segment
 * yet; CW_ECORRUPT; CW_EINVAL: written by a newer causeway. */
cw_status cw_store_open(cw_context *ctx, const char *dir, cw_store **out);

/* From now on a store that is open for writing is of another job: segments to come carry its text, and
 * whoever opens the store gets that (cw_store_job). Segments that are there keep the text of their own.
 * Whether the job may go on with them is for the caller to know. Collective. CW_EIO, CW_ENOMEM: the store on
 * disk is of the job that it was; close it. */
cw_status cw_store_change_job(cw_store *store, const char *job_text);

void cw_store_close(cw_store *store);            /* Local. NULL is allowed. */
const char *cw_store_job(const cw_store *store); /* the resolved job's text; borrowed */
const char *cw_store_run(const cw_store *store); /* DIR; borrowed */
const char *cw_store_dir(const cw_store *store); /* DIR/store; borrowed */

/* How many segments a stage has; they are numbered from 0. Local: every rank knows. */
long cw_store_segments(const cw_store *store, const char *stage);
/* Writes the next segment of a stage; when it returns CW_OK the segment is on disk. Collective; set
 * is read on rank 0 only and may be NULL elsewhere. CW_EIO: disk full and its like, nothing is left
 * behind; CW_EINVAL: a bad stage name (letters, digits and any of _-./). */
cw_status cw_store_append(cw_store *store, const char *stage, const cw_arrays *set);
/* Before the next segment is written: takes from the one before the last what a stage goes on from ("state.NAME"),
 * which nobody asks for any more; scalars and all other arrays stay. So a stage holds two states at most, and where its last
 * segment is damaged, the one before it has what it takes to go on. The file is replaced by a new one as a whole.
 * Collective. CW_EIO, CW_ECORRUPT, CW_ENOMEM. */
cw_status cw_store_release(cw_store *store, const char *stage);
long cw_store_appended(const cw_store *store); /* segments written since it was opened. Local */

/* Reads segment number segment, counted from the end if negative (-1: the last), into out, which is
 * cleared first. Collective; every rank receives it. The caller clears out, also after a failure.
 * CW_ECORRUPT names the file. */
cw_status cw_store_read(cw_store *store, const char *stage, long segment, cw_arrays *out);

/* The same, but that of those arrays only the shape is read (data NULL) for which apart says so. Their numbers,
 * shape being such an array of a segment that was read, are handed to take by cw_store_read_rows, a few rows at
 * a time in ascending order, so that no memory for all of them is taken. Collective; every rank receives them. */
typedef bool (*cw_array_apart)(const cw_array *shape);
cw_status cw_store_read_but(cw_store *store, const char *stage, long segment, cw_array_apart apart,
                            cw_arrays *out);
cw_status cw_store_read_rows(cw_store *store, const char *stage, long segment,
                             const cw_array *shape, cw_take_rows take, void *of);

/* All segments of a stage joined. Collective. Arrays whose name starts with "state." come from the
 * last segment; all others are joined along their first dimension (scalars become one number per
 * segment) and must be in every segment. A stage without segments gives an empty set. */
cw_status cw_store_read_all(cw_store *store, const char *stage, cw_arrays *out);

/* ---- files by themselves, sealed as segments are ---- */

typedef struct {
  const char *name; /* what the file says it is: "causeway-model" */
  const char *noun; /* in messages: "model" */
  long version;     /* that is written, and the newest that is read */
} cw_file_format;

/* A text that a file holds, an attribute of that name. */
typedef struct {
  const char *name;
  char *text; /* read: owned, from malloc */
} cw_file_text;

/* Writes texts (n) and arrays; the file is complete or absent, and replaces one of that name.
 * Local. CW_EIO, CW_ENOMEM. */
cw_status cw_file_write(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                        const cw_file_text *text, const cw_arrays *set);
/* The same texts, of which all must be there, and all arrays; text[i].text and set are empty before.
 * The caller clears both, also after a failure. Collective; every rank gets them. CW_EIO;
 * CW_ECORRUPT names the file: damaged, or of another format; CW_EINVAL: a newer version. */
cw_status cw_file_read(cw_context *ctx, const char *path, const cw_file_format *format, int n,
                       cw_file_text *text, cw_arrays *set);
void cw_file_clear(int n, cw_file_text *text, cw_arrays *set);

#ifdef __cplusplus
}
#endif
#endif
