libochre_chain_a_SOURCES += src/chain/params/params.c src/chain/params/params.h
