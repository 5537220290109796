noinst_LIBRARIES += libochre_net.a
libochre_net_a_SOURCES = \
	src/net/addr_cache.c src/net/addr_relay.c \
	src/net/addrman.h src/net/addrman_impl.h src/net/addrman.c \
	src/net/addrman_file.c src/net/addrman_query.c \
	src/net/anchors.c \
	src/net/announce.c \
	src/net/asmap.h src/net/asmap.c \
	src/net/banman.h src/net/banman.c \
	src/net/block_ahead.c src/net/block_arrival.c \
	src/net/bad_ports.c \
	src/net/binds.c \
	src/net/bloom.h src/net/bloom.c \
	src/net/bloom_relay.c \
	src/net/capture.c \
	src/net/compact.h src/net/compact.c \
	src/net/compact_relay.c \
	src/net/connman.c \
	src/net/dial.c \
	src/net/download.c src/net/download_plan.c \
	src/net/eviction.h src/net/eviction.c \
	src/net/extra_txs.h src/net/extra_txs.c \
	src/net/fee_filter.c \
	src/net/extra_peers.c \
	src/net/file_job.h src/net/file_job.c \
	src/net/frame.h src/net/frame.c \
	src/net/handshake.c \
	src/net/headers.c \
	src/net/i2p.h src/net/i2p.c \
	src/net/i2p_session.h src/net/i2p_session.c \
	src/net/i2p_stream.h src/net/i2p_stream.c \
	src/net/info.c \
	src/net/internal.h \
	src/net/inv.c \
	src/net/link.h src/net/link.c \
	src/net/listen.c \
	src/net/local_addrs.c \
	src/net/net.h src/net/net.c \
	src/net/orphanage.h src/net/orphanage_impl.h src/net/orphanage.c \
	src/net/orphan_children.c \
	src/net/netgroups.h src/net/netgroups.c \
	src/net/outbound.h src/net/outbound.c \
	src/net/peer.c \
	src/net/permissions.c \
	src/net/presync.h src/net/presync.c \
	src/net/process.c \
	src/net/protocol.h src/net/protocol.c \
	src/net/reach.c \
	src/net/recent.h src/net/recent.c \
	src/net/relay_queue.h src/net/relay_queue.c \
	src/net/serve.c src/net/serve_filters.c src/net/serve_headers.c \
	src/net/sam.h src/net/sam.c \
	src/net/seeds.c \
	src/net/time_offsets.c \
	src/net/transport.h src/net/transport.c \
	src/net/tor_auth.c src/net/tor_control.h src/net/tor_control.c \
	src/net/tor_internal.h src/net/tor_reply.h src/net/tor_reply.c \
	src/net/tx_announce.c src/net/tx_download.c src/net/tx_orphans.c \
	src/net/tx_packages.c src/net/tx_receive.c \
	src/net/tx_reconciliation.c \
	src/net/turns.c \
	src/net/txrequest.h src/net/txrequest.c \
	src/net/txs.h \
	src/net/upload.c
