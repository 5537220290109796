libochre_chain_a_SOURCES += src/chain/mempool/mempool.h
