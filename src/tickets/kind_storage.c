/* storage: a file that three supernodes have taken for a user, paid for and indexed. */
#include "tickets/fee.h"
#include "tickets/fields.h"
#include "tickets/service.h"

enum {
    REQUEST,
    COMMITTEE,
    PASTELID,
    FILE_HASH,
    FILE_SIZE,
    MAX_FEE,
    RATIO,
    REDUNDANCY,
    FACTOR,
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
    [FILE_HASH] = {"sha3_256_hash_of_file", FIELD_HASH, .indexed = true},
    [FILE_SIZE] = {"file_size_in_megabytes", FIELD_MEGABYTES},
    [MAX_FEE] = {"maximum_psl_fee_for_storage", FIELD_AMOUNT},
    [RATIO] = {"desired_rq_symbol_files_to_original_data_ratio", FIELD_U32,
               .decimals = 3},
    [REDUNDANCY] = {"desired_redundancy_per_rq_symbol_file", FIELD_U16},
    [FACTOR] = {"psl_storage_fee_multiplier_factor", FIELD_U64, .derived = true,
                .decimals = 6},
    [SENDING_SCRIPT] = {"external_storage_sending_script", FIELD_SCRIPT,
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

static const char *wrong_number(const struct ticket *t)
{
    uint64_t size = field_uint(t->v[FILE_SIZE].raw);
    uint64_t ratio = field_uint(t->v[RATIO].raw);
    uint64_t redundancy = field_uint(t->v[REDUNDANCY].raw);
    if (size < 1 || size > FILE_SIZE_MOST)
        return "-file-size";
    if (ratio < RATIO_LEAST || ratio > RATIO_MOST)
        return "-ratio";
    if (redundancy < 1 || redundancy > REDUNDANCY_MOST)
        return "-redundancy";
    if (field_uint(t->v[FACTOR].raw) !=
        fee_factor((uint32_t)ratio, (uint32_t)redundancy))
        return "-factor";
    return NULL;
}

static bool quote(struct quote *q, const struct ticket *t, const struct ticket_env *env)
{
    const struct committee_member *members[PAID_MEMBERS];
    return wrong_number(t) == NULL &&
           quote_members(members, env->committee, t->v[SNS].raw.data, NULL) &&
           quote_storage(q, env->committee, members, field_uint(t->v[FACTOR].raw),
                         field_uint(t->v[FILE_SIZE].raw));
}

static bool check(const struct ticket *t, const struct ticket_env *env,
                  struct reject *rej)
{
    const char *why = wrong_number(t);
    if (why != NULL)
        return reject_suffix(rej, REJECT_TICKET_STATE, "%s", why);
    return service_check(t, env, rej);
}

static void derive(struct buf *out, const struct ticket *t,
                   const struct ticket_env *env, size_t field)
{
    uint64_t ratio = field_uint(t->v[RATIO].raw);
    uint64_t redundancy = field_uint(t->v[REDUNDANCY].raw);
    uint8_t value[8];
    if (field == EFFECTIVE_FEE) {
        service_derive_fee(out, t, env, field);
        return;
    }
    put_le64(value, fee_factor((uint32_t)ratio, (uint32_t)redundancy));
    buf_append(out, value, sizeof(value));
}

const struct ticket_kind ticket_kind_storage = {
    .id = 0x10,
    .name = "storage",
    .help = "a file that supernodes have taken, paid for by its user",
    .fields = fields,
    .n_fields = ARRAY_LEN(fields),
    .min_burn = quote_min_burn,
    .check = check,
    .apply = service_apply,
    .claims = service_claims,
    .signer = service_signer,
    .quote = quote,
    .derive = derive,
    .service = &service,
};
