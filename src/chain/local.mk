noinst_LIBRARIES += libochre_chain.a
libochre_chain_a_SOURCES =
