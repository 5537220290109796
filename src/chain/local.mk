noinst_LIBRARIES += libochre_chain.a
libochre_chain_a_SOURCES =

libochre_chain_a_SOURCES += \
	src/chain/prim/arith.c src/chain/prim/arith.h \
	src/chain/prim/block.c src/chain/prim/block.h \
	src/chain/prim/merkle.c src/chain/prim/merkle.h \
	src/chain/prim/mtx.c \
	src/chain/prim/tx.c src/chain/prim/tx.h \
	src/chain/prim/tx_layout.h
