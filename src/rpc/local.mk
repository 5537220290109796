noinst_LIBRARIES += libochre_rpc.a
libochre_rpc_a_SOURCES =
