noinst_LIBRARIES += libochre_net.a
libochre_net_a_SOURCES =
