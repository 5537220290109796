noinst_LIBRARIES += libochre_node.a
libochre_node_a_SOURCES = \
	src/node/daemon.h \
	src/node/daemonize.c src/node/daemonize.h \
	src/node/fee_part.c \
	src/node/net_part.c \
	src/node/node.c src/node/node.h \
	src/node/notify.c src/node/notify.h \
	src/node/options.c src/node/options.h \
	src/node/parts.c \
	src/node/setup.c src/node/setup.h src/node/setup_net.c \
	src/node/warnings.c src/node/warnings.h \
	src/node/wallet_bound.c src/node/wallet_chain.c src/node/wallet_chain.h \
	src/node/wallet_part.c src/node/wallet_pool.c

if HAVE_ZMQ
libochre_node_a_SOURCES += src/node/zmq_part.c
endif

bin_PROGRAMS += ochred
ochred_SOURCES = src/node/main.c
ochred_LDADD = $(NODE_LIBS) $(ALL_LIBS)
