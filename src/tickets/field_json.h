/* Inside the JSON of fields: what its files share. */
#ifndef OCHRE_TICKETS_FIELD_JSON_H
#define OCHRE_TICKETS_FIELD_JSON_H

#include "tickets/fields.h"

struct field_json {
    void (*to_json)(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw);
    bool (*from_json)(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error);
    bool (*from_text)(struct buf *out, const struct chain_params *params,
                      const char *text);
};

/* A hash as txids are shown, appended. */
struct hash256 hash_at(const uint8_t *octets);
bool hash_from_json(struct buf *out, const struct json *v);
/* A whole number up to max. */
bool number_from_json(uint64_t *out, const struct json *v, uint64_t max);

void uint_to_json(struct json_writer *w, const struct ticket_field *f,
                  const struct chain_params *params, struct bytes raw);
bool uint_from_json(struct buf *out, const struct ticket_field *f,
                    const struct chain_params *params, const struct json *obj,
                    struct arena *mem, const char **error);
void amount_to_json(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw);
bool amount_from_json(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error);
/* "<name>_in_megabytes" exactly, and "<name>" in octets; either is read. */
void megabytes_to_json(struct json_writer *w, const struct ticket_field *f,
                       const struct chain_params *params, struct bytes raw);
bool megabytes_from_json(struct buf *out, const struct ticket_field *f,
                         const struct chain_params *params, const struct json *obj,
                         struct arena *mem, const char **error);

/* Fields that hold several records. */
void quorum_to_json(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw);
bool quorum_from_json(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error);
void sync_list_to_json(struct json_writer *w, const struct ticket_field *f,
                       const struct chain_params *params, struct bytes raw);
bool sync_list_from_json(struct buf *out, const struct ticket_field *f,
                         const struct chain_params *params, const struct json *obj,
                         struct arena *mem, const char **error);
void supernodes_to_json(struct json_writer *w, const struct ticket_field *f,
                        const struct chain_params *params, struct bytes raw);
bool supernodes_from_json(struct buf *out, const struct ticket_field *f,
                          const struct chain_params *params, const struct json *obj,
                          struct arena *mem, const char **error);
void supernode_sigs_to_json(struct json_writer *w, const struct ticket_field *f,
                            const struct chain_params *params, struct bytes raw);
bool supernode_sigs_from_json(struct buf *out, const struct ticket_field *f,
                              const struct chain_params *params, const struct json *obj,
                              struct arena *mem, const char **error);

#endif
