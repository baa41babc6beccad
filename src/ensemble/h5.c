#include "ensemble/h5.h"

#include <hdf5.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/h5_driver.h"

_Static_assert(sizeof(hid_t) == sizeof(cw_h5_id), "HDF5 ids have 64 bits since 1.10");

enum { CHUNK_BYTES = 1 << 20 };

/* ------------------------------------------------------------------ errors */

cw_h5_quiet cw_h5_quiet_begin(void) {
  H5E_auto2_t print = NULL;
  void *data = NULL;
  H5Eget_auto2(H5E_DEFAULT, &print, &data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return (cw_h5_quiet){(void (*)(void))print, data};
}

void cw_h5_quiet_end(cw_h5_quiet quiet) {
  H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)quiet.print, quiet.data);
}

typedef struct {
  char *text;
  size_t size;
} reason_buffer;

static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *buffer) {
  const reason_buffer *out = buffer;
  if (n == 0 && error->desc != NULL) snprintf(out->text, out->size, "%s", error->desc);
  return 0;
}

void cw_h5_reason(char *reason, size_t size) {
  reason_buffer out = {reason, size};
  snprintf(reason, size, "unexpected layout");
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &out);
}

/* ------------------------------------------------------------------- files */

/* 1.10 format: metadata with checksums. */
hid_t cw_h5_create(cw_medium *medium) {
  hid_t access = cw_h5_access(medium), layout = H5Pcreate(H5P_FILE_CREATE), file = H5I_INVALID_HID;
  if (access >= 0 && layout >= 0 &&
      H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
      H5Pset_obj_track_times(layout, false) >= 0 &&
      H5Pset_link_creation_order(layout, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
    file = H5Fcreate("segment", H5F_ACC_TRUNC, layout, access);
  if (access >= 0) H5Pclose(access);
  if (layout >= 0) H5Pclose(layout);
  return file;
}

hid_t cw_h5_open(cw_medium *medium) {
  hid_t access = cw_h5_access(medium);
  if (access < 0) return access;
  hid_t file = H5Fopen("segment", H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return file;
}

bool cw_h5_close(hid_t file, cw_medium *medium) {
  const bool ok = H5Fclose(file) >= 0;
  cw_h5_cut(medium);
  return ok;
}

/* -------------------------------------------------------------- attributes */

static bool put_attribute(hid_t object, const char *name, hid_t stored, hid_t given,
                          const void *value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute =
      space >= 0 ? H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT) : space;
  bool ok = attribute >= 0 && H5Awrite(attribute, given, value) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  if (space >= 0) H5Sclose(space);
  return ok;
}

bool cw_h5_put_long(hid_t object, const char *name, long value) {
  return put_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_LONG, &value);
}

bool cw_h5_put_double(hid_t object, const char *name, double value) {
  return put_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

static hid_t text_type(size_t bytes) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, bytes) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    return type;
  if (type >= 0) H5Tclose(type);
  return H5I_INVALID_HID;
}

bool cw_h5_put_text(hid_t object, const char *name, const char *text) {
  hid_t type = text_type(strlen(text) + 1);
  bool ok = type >= 0 && put_attribute(object, name, type, type, text);
  if (type >= 0) H5Tclose(type);
  return ok;
}

/* Opens a scalar attribute whose type has the given class and at most max_bytes. */
static hid_t open_attribute(hid_t object, const char *name, H5T_class_t class, size_t max_bytes,
                            size_t *bytes) {
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return attribute;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool ok = type >= 0 && space >= 0 && H5Tget_class(type) == class &&
            H5Sget_simple_extent_npoints(space) == 1;
  *bytes = ok ? H5Tget_size(type) : 0;
  ok = ok && *bytes > 0 && *bytes <= max_bytes &&
       (class != H5T_STRING || H5Tis_variable_str(type) == 0);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (ok) return attribute;
  H5Aclose(attribute);
  return H5I_INVALID_HID;
}

/* A number of 8 bytes at most, into value of that type. */
static bool get_number(hid_t object, const char *name, H5T_class_t class, hid_t type, void *value) {
  size_t bytes;
  hid_t attribute = open_attribute(object, name, class, 8, &bytes);
  if (attribute < 0) return false;
  bool ok = H5Aread(attribute, type, value) >= 0;
  H5Aclose(attribute);
  return ok;
}

bool cw_h5_get_long(hid_t object, const char *name, long *value) {
  return get_number(object, name, H5T_INTEGER, H5T_NATIVE_LONG, value);
}

bool cw_h5_get_double(hid_t object, const char *name, double *value) {
  return get_number(object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value);
}

char *cw_h5_get_text(hid_t object, const char *name, size_t max_bytes) {
  size_t bytes;
  hid_t attribute = open_attribute(object, name, H5T_STRING, max_bytes, &bytes);
  if (attribute < 0) return NULL;
  char *text = calloc(bytes + 1, 1);
  hid_t type = text_type(bytes + 1); /* a text that others wrote may have no final zero */
  if (text == NULL || type < 0 || H5Aread(attribute, type, text) < 0) {
    free(text);
    text = NULL;
  }
  if (type >= 0) H5Tclose(type);
  H5Aclose(attribute);
  return text;
}

/* --------------------------------------------------------------- data sets */

/* Chunks of at most CHUNK_BYTES: whole rows as far as they fit, of even size, because a chunk at
 * the edge is stored whole. */
static void choose_chunk(int rank, const hsize_t *dim, hsize_t *chunk) {
  hsize_t bytes = sizeof(double);
  for (int d = 0; d < rank; d++) bytes *= chunk[d] = dim[d] > 0 ? dim[d] : 1;
  for (int d = 0; bytes > CHUNK_BYTES && d < rank; d++) {
    bytes /= chunk[d];
    hsize_t rows = CHUNK_BYTES / bytes > 1 ? CHUNK_BYTES / bytes : 1;
    hsize_t n_chunks = (chunk[d] + rows - 1) / rows;
    chunk[d] = (chunk[d] + n_chunks - 1) / n_chunks;
    bytes *= chunk[d];
  }
}

static hid_t create_data_set(hid_t file, const char *name, int rank, const hsize_t *dim) {
  hsize_t chunk[CW_ARRAY_RANK], most[CW_ARRAY_RANK];
  choose_chunk(rank, dim, chunk);
  for (int d = 0; d < rank; d++)
    most[d] = dim[d] > 0 ? dim[d] : 1; /* a chunk may not exceed this */
  hid_t space = H5Screate_simple(rank, dim, most), layout = H5Pcreate(H5P_DATASET_CREATE),
        set = H5I_INVALID_HID;
  if (space >= 0 && layout >= 0 && H5Pset_chunk(layout, rank, chunk) >= 0 &&
      H5Pset_fletcher32(layout) >= 0 && H5Pset_obj_track_times(layout, false) >= 0)
    set = H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
  if (layout >= 0) H5Pclose(layout);
  if (space >= 0) H5Sclose(space);
  return set;
}

static bool put_notes(hid_t set, const cw_array *a) {
  for (int i = 0; i < CW_ARRAY_NOTES && a->note[i].key != NULL; i++)
    if (!cw_h5_put_text(set, a->note[i].key, a->note[i].text)) return false;
  return true;
}

/* Rows [first, first + n) of a data set, from or to rows (n). */
typedef herr_t (*move_rows)(hid_t set, hid_t memory, hid_t rows_of_file, void *rows);

static herr_t write_selected(hid_t set, hid_t memory, hid_t selected, void *rows) {
  return H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, selected, H5P_DEFAULT, rows);
}

static bool move(hid_t set, const cw_array *a, long first, long n, double *rows, move_rows how) {
  hsize_t begin[CW_ARRAY_RANK] = {(hsize_t)first}, count[CW_ARRAY_RANK] = {(hsize_t)n};
  for (int d = 1; d < a->rank; d++) count[d] = (hsize_t)a->dim[d];
  hid_t memory = H5Screate_simple(a->rank, count, NULL), space = H5Dget_space(set);
  const bool ok = memory >= 0 && space >= 0 &&
                  H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, NULL, count, NULL) >= 0 &&
                  how(set, memory, space, rows) >= 0;
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  return ok;
}

/* Whole chunks at a time: each is written once. */
static bool put_rows(hid_t set, const cw_array *a) {
  const long each = cw_rows_at_once(a), row = cw_array_size(a) / a->dim[0];
  double *rows = malloc((size_t)(each * row) * sizeof *rows);
  bool ok = rows != NULL;
  for (long first = 0; ok && first < a->dim[0]; first += each) {
    const long n = a->dim[0] - first < each ? a->dim[0] - first : each;
    a->rows(a->of, first, n, rows);
    ok = move(set, a, first, n, rows, write_selected);
  }
  free(rows);
  return ok;
}

static bool put_numbers(hid_t set, const cw_array *a) {
  if (cw_array_size(a) == 0) return true;
  if (a->rows != NULL) return put_rows(set, a);
  return H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->data) >= 0;
}

bool cw_h5_put_array(hid_t file, const cw_array *a) {
  hsize_t dim[CW_ARRAY_RANK] = {1};
  for (int d = 0; d < a->rank; d++) dim[d] = (hsize_t)a->dim[d];
  hid_t set = create_data_set(file, a->name, a->rank > 0 ? a->rank : 1, dim);
  if (set < 0) return false;
  bool ok =
      put_numbers(set, a) && (a->rank > 0 || cw_h5_put_long(set, "scalar", 1)) && put_notes(set, a);
  H5Dclose(set);
  return ok;
}

/* Only what create_data_set makes is accepted: little-endian doubles with Fletcher32 and no other
 * filter. */
static bool layout_is_ours(hid_t set) {
  hid_t type = H5Dget_type(set), layout = H5Dget_create_plist(set);
  unsigned flags = 0, config = 0;
  size_t n_values = 0;
  bool ok =
      type >= 0 && layout >= 0 && H5Tequal(type, H5T_IEEE_F64LE) > 0 &&
      H5Pget_layout(layout) == H5D_CHUNKED && H5Pget_nfilters(layout) == 1 &&
      H5Pget_filter2(layout, 0, &flags, &n_values, NULL, 0, NULL, &config) == H5Z_FILTER_FLETCHER32;
  if (type >= 0) H5Tclose(type);
  if (layout >= 0) H5Pclose(layout);
  return ok;
}

/* Bounds of a hostile file: chunks are read whole, so neither they nor the array may exceed the
 * bytes of the file. */
static bool chunk_fits(hid_t set, size_t max_bytes) {
  hsize_t chunk[CW_ARRAY_RANK];
  hid_t layout = H5Dget_create_plist(set);
  int rank = layout >= 0 ? H5Pget_chunk(layout, CW_ARRAY_RANK, chunk) : -1;
  if (layout >= 0) H5Pclose(layout);
  if (rank < 1 || rank > CW_ARRAY_RANK) return false;
  hsize_t left = (max_bytes > CHUNK_BYTES ? max_bytes : CHUNK_BYTES) / sizeof(double);
  for (int d = 0; d < rank; d++) {
    if (chunk[d] == 0 || chunk[d] > left) return false;
    left /= chunk[d];
  }
  return true;
}

static bool get_shape(hid_t set, size_t max_bytes, cw_array *a) {
  hid_t space = H5Dget_space(set);
  hsize_t dim[CW_ARRAY_RANK] = {0};
  int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  bool ok =
      rank >= 1 && rank <= CW_ARRAY_RANK && H5Sget_simple_extent_dims(space, dim, NULL) == rank;
  if (space >= 0) H5Sclose(space);
  if (!ok) return false;
  for (int d = 0; d < rank; d++) {
    if (dim[d] > LONG_MAX) return false;
    a->dim[d] = (long)dim[d];
  }
  a->rank = rank;
  long n = cw_array_size(a);
  return n >= 0 && (size_t)n <= max_bytes / sizeof(double);
}

bool cw_h5_get_shape(hid_t file, const char *name, size_t max_bytes, cw_array *a) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return false;
  const bool ok = layout_is_ours(set) && chunk_fits(set, max_bytes) && get_shape(set, max_bytes, a);
  if (ok && H5Aexists(set, "scalar") > 0) a->rank = 0;
  H5Dclose(set);
  return ok;
}

bool cw_h5_get_note(hid_t file, const char *name, const char *key, size_t max_bytes, char **text) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  *text = NULL;
  if (set < 0) return false;
  const htri_t there = H5Aexists(set, key);
  if (there > 0) *text = cw_h5_get_text(set, key, max_bytes);
  H5Dclose(set);
  return there == 0 || *text != NULL;
}

bool cw_h5_get_array(hid_t file, cw_array *a) {
  const size_t n = (size_t)cw_array_size(a);
  a->data = malloc(n > 0 ? n * sizeof *a->data : 1);
  a->owned = true;
  hid_t set = a->data != NULL ? H5Dopen2(file, a->name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (set < 0) return false;
  const bool ok =
      n == 0 || H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->data) >= 0;
  H5Dclose(set);
  return ok;
}

static herr_t read_selected(hid_t set, hid_t memory, hid_t selected, void *rows) {
  return H5Dread(set, H5T_NATIVE_DOUBLE, memory, selected, H5P_DEFAULT, rows);
}

static bool take_rows(hid_t set, const cw_array *a, cw_take_rows take, void *of) {
  const long each = cw_rows_at_once(a), row = cw_array_size(a) / a->dim[0];
  double *rows = malloc((size_t)(each * row) * sizeof *rows);
  bool ok = rows != NULL;
  for (long first = 0; ok && first < a->dim[0]; first += each) {
    const long n = a->dim[0] - first < each ? a->dim[0] - first : each;
    ok = move(set, a, first, n, rows, read_selected);
    if (ok) take(of, first, n, rows);
  }
  free(rows);
  return ok;
}

bool cw_h5_take_rows(hid_t file, const cw_array *a, cw_take_rows take, void *of) {
  if (a->rank == 0) return false;
  if (cw_array_size(a) == 0) return true;
  hid_t set = H5Dopen2(file, a->name, H5P_DEFAULT);
  if (set < 0) return false;
  const bool ok = take_rows(set, a, take, of);
  H5Dclose(set);
  return ok;
}

bool cw_h5_link_count(hid_t file, long *n) {
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0) return false;
  *n = (long)info.nlinks;
  return true;
}

bool cw_h5_link_name(hid_t file, long i, char *name, size_t size) {
  H5L_info_t link;
  ssize_t n = H5Lget_name_by_idx(file, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, (hsize_t)i, name, size,
                                 H5P_DEFAULT);
  if (n < 0) /* a file that was not made here */
    n = H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, name, size,
                           H5P_DEFAULT);
  return n > 0 && (size_t)n < size && H5Lget_info(file, name, &link, H5P_DEFAULT) >= 0 &&
         link.type == H5L_TYPE_HARD;
}
