noinst_LIBRARIES += libochre_rpc.a
libochre_rpc_a_SOURCES = \
	src/rpc/context.h \
	src/rpc/json_tx.c src/rpc/json_tx.h \
	src/rpc/method.h src/rpc/methods.c \
	src/rpc/protocol.h \
	src/rpc/server.h
