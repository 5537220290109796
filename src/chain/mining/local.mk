libochre_chain_a_SOURCES += src/chain/mining/miner.h
