#include "storage/raptorq/raptorq.h"

const char *rq_strerror(int status)
{
    switch ((enum rq_status)status) {
    case RQ_OK:
        return "success";
    case RQ_NEED_MORE:
        return "more symbols are needed";
    case RQ_DUPLICATE:
        return "the symbol is here already";
    case RQ_DECODED:
        return "the block is complete";
    case RQ_FULL:
        return "there is no room for another repair symbol";
    case RQ_ERR_K:
        return "a source block must have 1 to 56403 symbols";
    case RQ_ERR_T:
        return "the symbol size must be 1 to 65535 octets and a multiple of Al";
    case RQ_ERR_Z:
        return "the number of source blocks must be 1 to 255 and at most that of "
               "symbols";
    case RQ_ERR_N:
        return "the number of sub-blocks must be 1 to T/Al";
    case RQ_ERR_AL:
        return "the alignment must be 1 to 255";
    case RQ_ERR_F:
        return "an object must have 1 to 942574504275 octets";
    case RQ_ERR_ESI:
        return "there is no encoding symbol with this id";
    case RQ_ERR_SBN:
        return "there is no source block with this number";
    case RQ_ERR_LENGTH:
        return "the length does not match the shape of the block or object";
    case RQ_ERR_LIMIT:
        return "the memory limit of the context is too low";
    case RQ_ERR_MEMORY:
        return "out of memory";
    case RQ_ERR_STATE:
        return "the call does not fit the calls before it";
    case RQ_ERR_DATA:
        return "the serialised data is malformed";
    case RQ_ERR_IO:
        return "a callback reported a failure";
    case RQ_ERR_KERNEL:
        return "there is no such kernel, or this CPU cannot run it";
    }
    return "unknown status";
}
