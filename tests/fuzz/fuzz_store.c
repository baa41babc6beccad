/* Any bytes as a segment file. The first byte of the input chooses: below 128 the rest is the file;
 * otherwise the rest is a list of edits (offset 2 bytes, mask 1 byte) of a real segment made here.
 * As it is, the file meets the seal: that is what a reader of a damaged store runs. With
 * CW_FUZZ_RESEAL=1 in the environment it gets a valid seal first, so that HDF5 and our checks
 * behind it parse the mutated bytes. */
#include <stdlib.h>

#include "ensemble/seal.h"
#include "ensemble/segment.h"

static void make_segment(cw_context *ctx, cw_medium *m) {
  double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  cw_arrays set = {0};
  cw_segment_label label = {.stage = (char *)"hmc", .job = (char *)"job: fuzz\n", .index = 3};
  cw_status st = cw_arrays_lend(ctx, &set, "hmc.phi", 2, (long[]){4, 3}, x);
  if (st == CW_OK) st = cw_arrays_put_scalar(ctx, &set, "accept", 0.5);
  if (st == CW_OK) st = cw_arrays_lend(ctx, &set, "state.x", 1, (long[]){12}, x);
  if (st == CW_OK) st = cw_segment_encode(ctx, "fuzz", &label, &set, m);
  if (st != CW_OK || m->problem != 0) abort();
  cw_arrays_clear(&set);
}

/* The file that an input stands for. */
static cw_medium file_of(cw_context *ctx, const uint8_t *data, size_t n, bool reseal) {
  cw_medium m = {.fd = CW_MEDIUM_MEMORY};
  if (n == 0 || data[0] < 128) {
    if (n > 0) cw_medium_put(&m, 0, data + 1, n - 1);
  } else {
    make_segment(ctx, &m);
    if (reseal) m.size -= CW_SEAL_BYTES;
    for (size_t i = 1; i + 2 < n; i += 3)
      m.bytes[(data[i] | (size_t)data[i + 1] << 8) % m.size] ^= data[i + 2];
  }
  if (reseal) cw_seal(&m);
  if (m.problem != 0) abort();
  return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  cw_context *ctx = NULL;
  cw_context_options options = {.threads = 1, .quiet = true};
  if (cw_context_create(&options, &ctx) != CW_OK) abort();
  cw_medium m = file_of(ctx, data, n, getenv("CW_FUZZ_RESEAL") != NULL);
  cw_segment_label label = {0};
  cw_arrays set = {0};
  cw_status st = cw_seal_check(ctx, "fuzz", &m);
  if (st == CW_OK) st = cw_segment_decode(ctx, "fuzz", &m, NULL, NULL, &label, &set);
  if (st != CW_OK && st != CW_ECORRUPT && st != CW_EINVAL && st != CW_ENOMEM) abort();
  cw_segment_label_clear(&label);
  cw_arrays_clear(&set);
  free(m.bytes);
  cw_context_destroy(ctx);
  return 0;
}
