/* sense: the rareness of an image, which three supernodes have computed alike. */
#include "tickets/fields.h"
#include "tickets/service.h"

enum {
    REQUEST,
    COMMITTEE,
    PASTELID,
    IMAGE_HASH,
    MAX_FEE,
    SENDING_SCRIPT,
    EFFECTIVE_FEE,
    INDEX_HASH,
    SNS,
    SN_SIGS,
    USER_SIG
};

static const struct ticket_field fields[] = {
    [REQUEST] = {"request_identifier", FIELD_HASH, .indexed = true},
    [COMMITTEE] = {"committee", FIELD_COMMITTEE},
    [PASTELID] = {"pastelid", FIELD_PASTELID, .indexed = true},
    [IMAGE_HASH] = {"sha3_256_hash_of_image", FIELD_HASH, .indexed = true},
    [MAX_FEE] = {"maximum_psl_fee_for_external_dupe_detection", FIELD_AMOUNT},
    [SENDING_SCRIPT] = {"external_dupe_detection_sending_script", FIELD_SCRIPT,
                        .indexed = true},
    [EFFECTIVE_FEE] = {"effective_total_fee_paid_by_user_in_psl", FIELD_AMOUNT,
                       .derived = true},
    [INDEX_HASH] = {"kademlia_index_sha3_256_hash", FIELD_HASH, .indexed = true},
    [SNS] = {"supernodes", FIELD_SUPERNODES},
    [SN_SIGS] = {"supernode_signatures", FIELD_SUPERNODE_SIGS, .role = "sn",
                 .cover = COVER_BODY, .signer = SIGNER_BY_KIND},
    [USER_SIG] = {"user_signature", FIELD_ED448_SIG, .role = "user",
                  .cover = COVER_INPUT_AND_ALL_BEFORE, .signer = PASTELID},
};

static const struct service_fields service = {REQUEST, PASTELID, MAX_FEE, EFFECTIVE_FEE,
                                              SNS};

static bool quote(struct quote *q, const struct ticket *t, const struct ticket_env *env)
{
    const struct committee_member *members[PAID_MEMBERS];
    return quote_members(members, env->committee, t->v[SNS].raw.data, NULL) &&
           quote_sense(q, env->committee, members);
}

const struct ticket_kind ticket_kind_sense = {
    .id = 0x11,
    .name = "sense",
    .help = "an image whose rareness supernodes have computed, paid for by its user",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = quote_min_burn,
    .check = service_check,
    .apply = service_apply,
    .claims = service_claims,
    .signer = service_signer,
    .quote = quote,
    .derive = service_derive_fee,
    .service = &service,
};
