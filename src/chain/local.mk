noinst_LIBRARIES += libochre_chain.a
libochre_chain_a_SOURCES =
include src/chain/params/local.mk
include src/chain/rules/local.mk
include src/chain/store/local.mk
include src/chain/mempool/local.mk
include src/chain/mining/local.mk

libochre_chain_a_SOURCES += \
	src/chain/prim/arith.c src/chain/prim/arith.h \
	src/chain/prim/block.c src/chain/prim/block.h \
	src/chain/prim/coin.h \
	src/chain/prim/merkle.c src/chain/prim/merkle.h \
	src/chain/prim/mtx.c \
	src/chain/prim/tx.c src/chain/prim/tx.h \
	src/chain/prim/tx_layout.h
