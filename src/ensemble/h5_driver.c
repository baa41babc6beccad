#include "ensemble/h5_driver.h"

#include <hdf5.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

/* What a list of access hands to the file that is opened with it. */
typedef struct {
  cw_medium *medium;
  hid_t driver;
} opening;

typedef struct {
  H5FD_t base;
  cw_medium *medium; /* NULL: cut off */
  hid_t driver;      /* a hold on the driver */
  haddr_t end;       /* of what HDF5 has given away */
} driver_file;

static driver_file *own(H5FD_t *file) { return (driver_file *)(void *)file; }
static const driver_file *own_const(const H5FD_t *file) {
  return (const driver_file *)(const void *)file;
}

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)name;
  (void)flags;
  (void)most;
  const opening *with = H5Pget_driver_info(access);
  driver_file *file = with != NULL ? calloc(1, sizeof *file) : NULL;
  if (file == NULL) return NULL;
  file->medium = with->medium;
  file->driver = with->driver;
  if (file->medium->holder == NULL) file->medium->holder = &file->medium;
  return &file->base;
}

/* HDF5 gives up its own hold on the driver and then asks the driver to close the file: without ours
 * the driver would be gone. */
static herr_t close_file(H5FD_t *file) {
  const hid_t held = own(file)->driver;
  cw_medium *m = own(file)->medium;
  if (m != NULL && m->holder == &own(file)->medium) m->holder = NULL;
  free(own(file));
  H5FDunregister(held);
  return 0;
}

/* As HDF5's driver of files in memory does it, which made the files before this one: so their layout stays. */
static herr_t query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return own_const(file)->end;
}

static herr_t set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  own(file)->end = end;
  return 0;
}

static haddr_t get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  const cw_medium *m = own_const(file)->medium;
  return m != NULL ? m->size : 0;
}

/* What HDF5 has given away, but not yet written, is zeros. */
static herr_t read_bytes(H5FD_t *file, H5FD_mem_t type, hid_t how, haddr_t at, size_t n,
                         void *bytes) {
  (void)type;
  (void)how;
  cw_medium *m = own(file)->medium;
  if (m == NULL) return -1;
  const size_t there = at >= m->size ? 0 : m->size - at < n ? m->size - at : n;
  memset((char *)bytes + there, 0, n - there);
  return cw_medium_get(m, at, bytes, there) ? 0 : -1;
}

/* Never fails for HDF5, which keeps a file that it could not write open until the process ends. */
static herr_t write_bytes(H5FD_t *file, H5FD_mem_t type, hid_t how, haddr_t at, size_t n,
                          const void *bytes) {
  (void)type;
  (void)how;
  if (own(file)->medium != NULL) cw_medium_put(own(file)->medium, at, bytes, n);
  return 0;
}

static herr_t set_size(H5FD_t *file, hid_t how, hbool_t closing) {
  (void)how;
  (void)closing;
  if (own(file)->medium != NULL) cw_medium_resize(own(file)->medium, own(file)->end);
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    .value =
        (H5FD_class_value_t)600, /* of those for drivers that are not registered with HDF5's makers */
#endif
    .name = "causeway",
    .maxaddr = LONG_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(opening),
    .open = open_file,
    .close = close_file,
    .query = query,
    .get_eoa = get_eoa,
    .set_eoa = set_eoa,
    .get_eof = get_eof,
    .read = read_bytes,
    .write = write_bytes,
    .truncate = set_size,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

void cw_h5_cut(cw_medium *m) {
  if (m->holder != NULL) *m->holder = NULL;
  m->holder = NULL;
}

cw_h5_id cw_h5_access(cw_medium *m) {
  const hid_t id = H5FDregister(&driver); /* given up where the file is closed */
  if (id < 0) return id;
  const opening with = {m, id};
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0 || H5Pset_driver(access, id, &with) < 0) {
    if (access >= 0) H5Pclose(access);
    H5FDunregister(id);
    access = H5I_INVALID_HID;
  }
  return access;
}
