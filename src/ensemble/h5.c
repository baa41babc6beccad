#include "ensemble/h5.h"

#include <hdf5.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"

_Static_assert(sizeof(hid_t) == sizeof(cw_h5_id), "HDF5 ids have 64 bits since 1.10");

enum { IMAGE_STEP = 1 << 20, CHUNK_BYTES = 1 << 20 };

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

/* ---------------------------------------------------------- files in memory */

/* H5Fget_file_image of HDF5 1.10 gives a super-block with a wrong checksum for files in the 1.10
 * format, so the bytes are taken from the core driver's own buffer when it closes the file, through
 * its image callbacks. */
static void *image_malloc(size_t size, H5FD_file_image_op_t op, void *image) {
  (void)op;
  (void)image;
  return malloc(size);
}

static void *image_realloc(void *old, size_t size, H5FD_file_image_op_t op, void *image) {
  (void)op;
  ((cw_h5_image *)image)->capacity = size;
  return realloc(old, size);
}

static herr_t image_free(void *bytes, H5FD_file_image_op_t op, void *image) {
  if (op == H5FD_FILE_IMAGE_OP_FILE_CLOSE)
    ((cw_h5_image *)image)->bytes = bytes;
  else
    free(bytes);
  return 0;
}

static void *same_user_data(void *image) { return image; }

static herr_t keep_user_data(void *image) {
  (void)image;
  return 0;
}

/* 1.10 format: metadata with checksums. No back-up file: nothing is written to disk. */
static hid_t image_access(cw_h5_image *image) {
  H5FD_file_image_callbacks_t calls = {.image_malloc = image_malloc,
                                       .image_realloc = image_realloc,
                                       .image_free = image_free,
                                       .udata_copy = same_user_data,
                                       .udata_free = keep_user_data,
                                       .udata = image};
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  if (H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
      H5Pset_fapl_core(access, IMAGE_STEP, false) >= 0 &&
      H5Pset_file_image_callbacks(access, &calls) >= 0)
    return access;
  H5Pclose(access);
  return H5I_INVALID_HID;
}

bool cw_h5_create(cw_h5_image *image) {
  *image = (cw_h5_image){.id = H5I_INVALID_HID};
  hid_t access = image_access(image), layout = H5Pcreate(H5P_FILE_CREATE);
  if (access >= 0 && layout >= 0 && H5Pset_obj_track_times(layout, false) >= 0 &&
      H5Pset_link_creation_order(layout, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
    image->id = H5Fcreate("segment", H5F_ACC_TRUNC, layout, access);
  if (access >= 0) H5Pclose(access);
  if (layout >= 0) H5Pclose(layout);
  return image->id >= 0;
}

void cw_h5_abandon(cw_h5_image *image) {
  if (image->id >= 0) H5Fclose(image->id);
  free(image->bytes);
  *image = (cw_h5_image){.id = H5I_INVALID_HID};
}

bool cw_h5_finish(cw_h5_image *image, size_t reserve) {
  ssize_t size =
      H5Fflush(image->id, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(image->id, NULL, 0) : -1;
  herr_t closed = H5Fclose(image->id);
  image->id = H5I_INVALID_HID;
  if (size > 0 && closed >= 0 && image->bytes != NULL && (size_t)size <= image->capacity) {
    uint8_t *bytes = realloc(image->bytes, (size_t)size + reserve);
    if (bytes != NULL) {
      image->bytes = bytes;
      image->size = (size_t)size;
      return true;
    }
  }
  cw_h5_abandon(image);
  return false;
}

hid_t cw_h5_open(const uint8_t *bytes, size_t size) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = H5I_INVALID_HID;
  if (access < 0) return access;
  if (H5Pset_fapl_core(access, IMAGE_STEP, false) >= 0 &&
      H5Pset_file_image(access, (void *)bytes, size) >= 0) /* copied, not changed */
    file = H5Fopen("segment", H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return file;
}

void cw_h5_close(cw_h5_id file) { H5Fclose(file); }

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

bool cw_h5_put_array(hid_t file, const cw_array *a) {
  hsize_t dim[CW_ARRAY_RANK] = {1};
  for (int d = 0; d < a->rank; d++) dim[d] = (hsize_t)a->dim[d];
  hid_t set = create_data_set(file, a->name, a->rank > 0 ? a->rank : 1, dim);
  if (set < 0) return false;
  bool ok = cw_array_size(a) == 0 ||
            H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->data) >= 0;
  ok = ok && (a->rank > 0 || cw_h5_put_long(set, "scalar", 1)) && put_notes(set, a);
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

static bool read_data_set(hid_t set, size_t max_bytes, cw_array *a) {
  if (!layout_is_ours(set) || !chunk_fits(set, max_bytes) || !get_shape(set, max_bytes, a))
    return false;
  size_t n = (size_t)cw_array_size(a);
  a->data = malloc(n > 0 ? n * sizeof *a->data : 1);
  a->owned = true;
  if (a->data == NULL) return false;
  if (n > 0 && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, a->data) < 0) {
    free(a->data);
    a->data = NULL;
    return false;
  }
  if (H5Aexists(set, "scalar") > 0) a->rank = 0;
  return true;
}

bool cw_h5_get_array(hid_t file, const char *name, size_t max_bytes, cw_array *a) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0) return false;
  bool ok = read_data_set(set, max_bytes, a);
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
