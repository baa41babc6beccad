/* What the files of the store share; inside of ensemble. */
#ifndef CW_ENSEMBLE_STORE_FILES_H
#define CW_ENSEMBLE_STORE_FILES_H

#include "ensemble/arrays.h"

enum { CW_STAGE_NAME = 128, CW_FILE_NAME = CW_STAGE_NAME + 32 };

/* The stage whose segments carry, one after the other, the jobs that a store had; none while it had only
 * one. */
#define CW_STORE_JOBS "job"

typedef struct {
  char name[CW_STAGE_NAME];
  long n;    /* segments */
  long last; /* largest number seen: n - 1 unless one is missing */
} cw_stage_entry;

struct cw_store {
  cw_context *ctx; /* borrowed */
  char *run, *dir; /* DIR, DIR/store */
  char *job;
  char **past; /* (n_past) jobs that the store had before; rank 0 */
  int n_past;
  bool writable;
  int lock;              /* file descriptor, -1: none */
  cw_stage_entry *stage; /* (n_stages, capacity) by name; the same on every rank */
  int n_stages, capacity;
  long n_appended;
};

/* "hmc.000003.h5" of a stage; and back: false if name is not exactly such a one. */
void cw_segment_file_name(const char *stage, long index, char name[CW_FILE_NAME]);
bool cw_segment_of_file(const char *name, char stage[CW_STAGE_NAME], long *index);

/* The entry of a stage; NULL: there is none. */
cw_stage_entry *cw_store_find_stage(const cw_store *store, const char *name);
/* The same, made and put in its alphabetical place if there is none. NULL: no memory. */
cw_stage_entry *cw_store_have_stage(cw_store *store, const char *name);

/* What is read of a segment file. */
typedef struct {
  bool unsealed;        /* the seal is not compared: HDF5's checksums answer for what is read */
  cw_wanted wanted;     /* of the arrays; NULL: all */
  const void *of;       /* of wanted */
  const cw_array *rows; /* NULL, or the shape of the array whose rows take gets */
  cw_take_rows take;
  void *taker;
} cw_reading;

/* Reads and checks one segment file; *job: the job's text that it carries, the caller frees it. On rank 0.
 * CW_ECORRUPT: damaged, renamed, or of a job that is none of the store's. */
cw_status cw_store_read_file(cw_store *store, const char *stage, long index, const cw_reading *what,
                             cw_arrays *set, char **job);
/* Adds a job that the store had; takes the text in any case. */
cw_status cw_store_add_past(cw_store *store, char *job);

#endif
