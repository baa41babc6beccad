/* The little of XML that LIME records need: the text of an element by its name. Tolerant of
 * attributes, name space prefixes, comments and blanks; never looks beyond the n bytes given. */
#ifndef CW_GAUGE_XML_H
#define CW_GAUGE_XML_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { CW_XML_MISSING = 0, CW_XML_FOUND, CW_XML_BAD, CW_XML_CONTRADICTS } cw_xml;

/* The text inside the element named tag of xml (n bytes, no final zero needed) into value (size),
 * without blanks around it and with a final zero. CW_XML_BAD: it holds other elements, does not
 * end, or does not fit. CW_XML_CONTRADICTS: a later element of that name has another text; value
 * is that of the first. */
cw_xml cw_xml_text(const char *xml, size_t n, const char *tag, char *value, size_t size);

#endif
