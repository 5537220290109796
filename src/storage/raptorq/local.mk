# RaptorQ (RFC 6330): a library of its own
