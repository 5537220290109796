noinst_LIBRARIES += libochre_net.a
libochre_net_a_SOURCES = src/net/net.h src/net/netaddr.h src/net/protocol.h
