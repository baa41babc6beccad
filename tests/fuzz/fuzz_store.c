/* Any bytes as a segment file. The first byte of the input chooses: below 128 the rest is the file;
 * otherwise the rest is a list of edits (offset 2 bytes, mask 1 byte) of a real segment made here.
 * As it is, the file meets the seal: that is what a reader of a damaged store runs. With
 * CW_FUZZ_RESEAL=1 in the environment it gets a valid seal first, so that HDF5 and our checks
 * behind it parse the mutated bytes. */
#include <stdlib.h>
#include <string.h>

#include "ensemble/seal.h"
#include "ensemble/segment.h"

static void make_segment(cw_context *ctx, uint8_t **bytes, size_t *size) {
  double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  cw_arrays set = {0};
  cw_segment_label label = {.stage = (char *)"hmc", .job = (char *)"job: fuzz\n", .index = 3};
  cw_status st = cw_arrays_lend(ctx, &set, "hmc.phi", 2, (long[]){4, 3}, x);
  if (st == CW_OK) st = cw_arrays_put_scalar(ctx, &set, "accept", 0.5);
  if (st == CW_OK) st = cw_arrays_lend(ctx, &set, "state.x", 1, (long[]){12}, x);
  if (st == CW_OK) st = cw_segment_encode(ctx, "fuzz", &label, &set, bytes, size);
  if (st != CW_OK) abort();
  cw_arrays_clear(&set);
}

/* The file that an input stands for, with room for a seal; *size does not count the room. */
static uint8_t *file_of(cw_context *ctx, const uint8_t *data, size_t n, bool reseal, size_t *size) {
  uint8_t *bytes = NULL;
  if (n == 0 || data[0] < 128) {
    bytes = malloc(n + CW_SEAL_BYTES);
    if (bytes == NULL) abort();
    *size = n > 0 ? n - 1 : 0;
    if (*size > 0) memcpy(bytes, data + 1, *size);
    return bytes;
  }
  make_segment(ctx, &bytes, size);
  if (reseal) *size -= CW_SEAL_BYTES;
  for (size_t i = 1; i + 2 < n; i += 3)
    bytes[(data[i] | (size_t)data[i + 1] << 8) % *size] ^= data[i + 2];
  uint8_t *roomy = realloc(bytes, *size + CW_SEAL_BYTES);
  if (roomy == NULL) abort();
  return roomy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  cw_context *ctx = NULL;
  cw_context_options options = {.threads = 1, .quiet = true};
  if (cw_context_create(&options, &ctx) != CW_OK) abort();
  size_t size;
  bool reseal = getenv("CW_FUZZ_RESEAL") != NULL;
  uint8_t *bytes = file_of(ctx, data, n, reseal, &size);
  if (reseal) {
    cw_seal(bytes, size);
    size += CW_SEAL_BYTES;
  }
  cw_segment_label label;
  cw_arrays set = {0};
  cw_status st = cw_segment_decode(ctx, "fuzz", bytes, size, &label, &set);
  if (st != CW_OK && st != CW_ECORRUPT && st != CW_EINVAL && st != CW_ENOMEM) abort();
  cw_segment_label_clear(&label);
  cw_arrays_clear(&set);
  free(bytes);
  cw_context_destroy(ctx);
  return 0;
}
