#ifndef FETTLE_CXML2_SHIM
#define FETTLE_CXML2_SHIM
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

/* The first error of a document, and the bytes it is read from. */
typedef struct {
    const char *next;
    size_t left;
    char message[256];
    int line;
    int failed;
} fettle_xml_input;

/* libxml2 2.12 made the error constant. */
#if LIBXML_VERSION >= 21200
static inline void fettle_xml_note(void *data, const xmlError *error) {
#else
static inline void fettle_xml_note(void *data, xmlErrorPtr error) {
#endif
    fettle_xml_input *input = (fettle_xml_input *)data;
    if (input->failed || error == NULL || error->level < XML_ERR_ERROR) return;
    input->failed = 1;
    input->line = error->line;
    strncpy(input->message, error->message != NULL ? error->message : "", sizeof(input->message) - 1);
}

static inline int fettle_xml_read(void *data, char *buffer, int length) {
    fettle_xml_input *input = (fettle_xml_input *)data;
    size_t count = input->left < (size_t)length ? input->left : (size_t)length;
    memcpy(buffer, input->next, count);
    input->next += count;
    input->left -= count;
    return (int)count;
}

static inline int fettle_xml_close(void *data) { return 0; }

/* A reader of bytes in memory: no network, no outside entities, libxml2's own limits on depth, length and entities. */
static inline xmlTextReaderPtr fettle_xml_open(fettle_xml_input *input) {
    xmlTextReaderPtr reader = xmlReaderForIO(
        fettle_xml_read, fettle_xml_close, input, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
    if (reader != NULL) xmlTextReaderSetStructuredErrorHandler(reader, fettle_xml_note, input);
    return reader;
}

/* Whether the document declares anything of its own: entities, above all. */
static inline int fettle_xml_declares(xmlTextReaderPtr reader) {
    xmlDocPtr document = xmlTextReaderCurrentDoc(reader);
    return document != NULL && document->intSubset != NULL
        && (document->intSubset->entities != NULL || document->intSubset->elements != NULL
            || document->intSubset->attributes != NULL || document->intSubset->notations != NULL);
}

/* Fields that are read often, without a function call a byte. */
static inline const char *fettle_xml_name(xmlTextReaderPtr reader) {
    return (const char *)xmlTextReaderConstLocalName(reader);
}
static inline const char *fettle_xml_value(xmlTextReaderPtr reader) {
    return (const char *)xmlTextReaderConstValue(reader);
}
#endif
