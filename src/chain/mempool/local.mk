libochre_chain_a_SOURCES += \
	src/chain/mempool/accept.c src/chain/mempool/accept.h \
	src/chain/mempool/accept_ticket.c \
	src/chain/mempool/amount_text.c \
	src/chain/mempool/diagram.c \
	src/chain/mempool/evict.c \
	src/chain/mempool/families.c \
	src/chain/mempool/fee_estimator.c src/chain/mempool/fee_estimator.h \
	src/chain/mempool/fee_file.c src/chain/mempool/fee_impl.h \
	src/chain/mempool/fee_stats.c src/chain/mempool/fee_stats.h \
	src/chain/mempool/grounds.c \
	src/chain/mempool/group.c src/chain/mempool/group.h \
	src/chain/mempool/limits.c \
	src/chain/mempool/marks.c \
	src/chain/mempool/mempool.c src/chain/mempool/mempool.h \
	src/chain/mempool/package.c src/chain/mempool/package.h \
	src/chain/mempool/package_form.c \
	src/chain/mempool/persist.c \
	src/chain/mempool/pool.h \
	src/chain/mempool/reorg.c \
	src/chain/mempool/replace.c \
	src/chain/mempool/truc.c
