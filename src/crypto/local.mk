noinst_LIBRARIES += libochre_crypto.a
libochre_crypto_a_SOURCES =
