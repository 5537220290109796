libochre_chain_a_SOURCES += \
	src/chain/validation/accept.c \
	src/chain/validation/activate.c \
	src/chain/validation/background.c \
	src/chain/validation/block_tree.c \
	src/chain/validation/candidates.c \
	src/chain/validation/chain.c \
	src/chain/validation/chainman.h \
	src/chain/validation/chainstate.c \
	src/chain/validation/connect.c \
	src/chain/validation/flush.c \
	src/chain/validation/follow.c \
	src/chain/validation/hooks.c \
	src/chain/validation/hooks.h \
	src/chain/validation/import.c \
	src/chain/validation/indexes.c \
	src/chain/validation/internal.h \
	src/chain/validation/load.c \
	src/chain/validation/prefetch.c \
	src/chain/validation/prune.c \
	src/chain/validation/snapshot.h \
	src/chain/validation/snapshot_dir.c \
	src/chain/validation/snapshot_dump.c \
	src/chain/validation/snapshot_load.c \
	src/chain/validation/thread.c \
	src/chain/validation/utxo_set.c \
	src/chain/validation/verify.c
