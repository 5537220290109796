noinst_LIBRARIES += libochre_tickets.a
libochre_tickets_a_SOURCES = \
	src/tickets/build.c src/tickets/build.h \
	src/tickets/carrier.c src/tickets/carrier.h \
	src/tickets/draft.c src/tickets/draft.h \
	src/tickets/fee.c src/tickets/fee.h \
	src/tickets/committee.c src/tickets/committee.h \
	src/tickets/field_json.c src/tickets/field_json.h \
	src/tickets/field_json_lists.c \
	src/tickets/field_json_numbers.c \
	src/tickets/fields.c src/tickets/fields.h \
	src/tickets/index.c src/tickets/index.h \
	src/tickets/kind_id.c \
	src/tickets/kind_id_revoke.c \
	src/tickets/kind_sn_penalty.c \
	src/tickets/kind_sn_register.c \
	src/tickets/kind_sn_revoke.c \
	src/tickets/kind_sn_update.c \
	src/tickets/kind_sense.c \
	src/tickets/kind_snft_mint.c \
	src/tickets/kind_snft_register.c \
	src/tickets/kind_snft_sync.c \
	src/tickets/kind_snft_upgrade.c \
	src/tickets/kind_storage.c \
	src/tickets/kinds.c src/tickets/kinds.def \
	src/tickets/light.c src/tickets/light.h \
	src/tickets/lists.c src/tickets/lists.h \
	src/tickets/pastelid.c src/tickets/pastelid.h \
	src/tickets/quote.c src/tickets/quote.h \
	src/tickets/rules.c src/tickets/rules.h \
	src/tickets/service.c src/tickets/service.h \
	src/tickets/signatures.c src/tickets/signatures.h \
	src/tickets/sn_endpoint.c src/tickets/sn_endpoint.h \
	src/tickets/sn_rules.c src/tickets/sn_rules.h \
	src/tickets/state_keys.c src/tickets/state_keys.h \
	src/tickets/supernode.c src/tickets/supernode.h \
	src/tickets/supernode_view.h \
	src/tickets/ticket.c src/tickets/ticket.h \
	src/tickets/tickets.c src/tickets/tickets.h \
	src/tickets/tokens.c src/tickets/tokens.h
