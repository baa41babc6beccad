/* ILDG: LIME records around the links, all rows, big endian.
 * Source: ILDG Metadata Working Group, "ILDG binary file format", rev. 1.1 (records, XML, order of
 * the numbers), which knows the field su3gauge alone; su2gauge as Grid writes it (parallelIO,
 * IldgIO.h); u1gauge, one complex number per link, is ours. */
#include <inttypes.h>
#include <stdio.h>

#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/descriptions.h"
#include "ensemble/gauge/records.h"

/* LIME records that are not SciDAC's: those of damaged files too, and in little endian order, so
 * that what is wrong is said. */
static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  return cw_get32(start, false) == CW_LIME_MAGIC ||
         (cw_get32(start, true) == CW_LIME_MAGIC && !cw_gauge_is_scidac(file));
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  uint8_t magic[4];
  CW_TRY(cw_gauge_read(file, 0, magic, sizeof magic, "a LIME header"));
  if (cw_get32(magic, false) == CW_LIME_MAGIC)
    return cw_gauge_fail(file, CW_EINVAL,
                         "its LIME records are little endian: expected the magic number %08x in "
                         "big endian order",
                         CW_LIME_MAGIC);
  return cw_gauge_describe(file, h);
}

/* ------------------------------------------------------------------- writing */

static cw_status put_format(const cw_configuration *conf, int precision, cw_disk_file *out) {
  const cw_lattice *lat = &conf->lat;
  char text[1024];
  snprintf(text, sizeof text,
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<ildgFormat xmlns=\"http://www.lqcd.org/ildg\" "
           "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
           "xsi:schemaLocation=\"http://www.lqcd.org/ildg filefmt.xsd\">\n"
           "  <version>1.0</version>\n  <field>%sgauge</field>\n  <precision>%d</precision>\n"
           "  <lx>%d</lx><ly>%d</ly><lz>%d</lz><lt>%d</lt>\n</ildgFormat>\n",
           cw_kind(conf->kind)->name, precision, lat->extent[0], lat->extent[1], lat->extent[2],
           lat->extent[3]);
  return cw_lime_put_text(out, "ildg-format", CW_LIME_FIRST, text);
}

static cw_status put_name(const char *name, cw_disk_file *out) {
  char text[1024];
  snprintf(text, sizeof text, "lfn://causeway/%s", name);
  return cw_lime_put_text(out, "ildg-data-lfn", 0, text);
}

/* A message may hold records of other types, which readers pass over. */
static cw_status put_origin(unsigned ignored, cw_disk_file *out) {
  char text[CW_CHECKS_TEXT];
  if (ignored == 0) return CW_OK;
  return cw_lime_put_text(out, CW_ORIGIN_TYPE, 0, cw_gauge_checks_text(ignored, text));
}

static cw_status put_checksum(const cw_site_sum *sum, cw_disk_file *out) {
  char text[256];
  snprintf(text, sizeof text,
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scidacChecksum><version>1.0</version>"
           "<suma>%08" PRIx32 "</suma><sumb>%08" PRIx32 "</sumb></scidacChecksum>\n",
           sum->a, sum->b);
  return cw_lime_put_text(out, "scidac-checksum", CW_LIME_LAST, text);
}

static cw_status write(const cw_gauge_writing *w) {
  const cw_lattice *lat = &w->conf->lat;
  uint64_t bytes = cw_sites_bytes(&w->layout, lat);
  cw_site_sum sum = {.kind = &cw_checksum_scidac};
  CW_TRY(put_format(w->conf, w->layout.precision, w->out));
  CW_TRY(put_name(w->name, w->out));
  CW_TRY(put_origin(w->conf->ignored, w->out));
  CW_TRY(cw_lime_put_header(w->out, "ildg-binary-data", 0, bytes));
  CW_TRY(cw_sites_write(w->ctx, &w->layout, w->conf, w->out, &sum));
  CW_TRY(cw_lime_put_padding(w->out, bytes));
  return put_checksum(&sum, w->out);
}

extern const cw_format cw_format_ildg;
const cw_format cw_format_ildg = {
    .name = "ildg",
    .title = "ILDG",
    .source = "ILDG Metadata Working Group, ILDG binary file format, rev. 1.1",
    .ending = {".ildg", ".lime"},
    .kinds = 1u << CW_LINK_U1 | 1u << CW_LINK_SU2 | 1u << CW_LINK_SU3,
    .precision = {32, 64},
    .rows = {3},
    .checks = CW_CHECK_CHECKSUM,
    .checksum = &cw_checksum_scidac,
    .recognises = recognises,
    .header = read_header,
    .read = cw_gauge_read_block,
    .write = write,
};
