# ochre-cli, ochre-tx, ochre-util
bin_PROGRAMS += ochre-cli
ochre_cli_SOURCES = \
	src/cli/cli.h src/cli/cli_call.c src/cli/cli_info.c src/cli/cli_netinfo.c \
	src/cli/cli_options.c src/cli/cli_send.c \
	src/cli/http_client.c src/cli/http_client.h \
	src/cli/ochre-cli.c
ochre_cli_LDADD = $(NODE_LIBS) $(ALL_LIBS)

bin_PROGRAMS += ochre-tx ochre-util
ochre_tx_SOURCES = \
	src/cli/ochre-tx.c src/cli/tool.c src/cli/tool.h src/cli/tool_options.c \
	src/cli/tx_commands.c src/cli/tx_proof.c src/cli/tx_sign.c src/cli/txtool.h
ochre_tx_LDADD = $(NODE_LIBS) $(ALL_LIBS)
ochre_util_SOURCES = src/cli/ochre-util.c src/cli/tool.c src/cli/tool.h \
	src/cli/tool_options.c
ochre_util_LDADD = $(NODE_LIBS) $(ALL_LIBS)
bin_PROGRAMS += ochre-wallet
ochre_wallet_SOURCES = src/cli/ochre-wallet.c src/cli/tool.c src/cli/tool.h \
	src/cli/tool_options.c
ochre_wallet_LDADD = $(NODE_LIBS) $(ALL_LIBS)
bin_PROGRAMS += ochre-rq
ochre_rq_SOURCES = \
	src/cli/ochre-rq.c src/cli/rq_command.h src/cli/rq_decode.c src/cli/rq_encode.c \
	src/cli/rq_inspect.c src/cli/rq_job.c src/cli/rq_options.c \
	src/cli/rq_bench.c src/cli/rq_bench.h \
	src/cli/rq_files.c src/cli/rq_files.h
ochre_rq_LDADD = libochre_raptorq.a libochre_crypto.a libochre_util.a $(CRYPTO_LIBS)

# Man pages, completions and the RPC reference come from the tables.
noinst_PROGRAMS += ochre-gendoc
ochre_gendoc_SOURCES = \
	src/cli/gendoc.c src/cli/cli.h src/cli/cli_options.c src/cli/tool.h src/cli/tool_options.c \
	src/cli/rq_command.h src/cli/rq_job.c src/cli/rq_options.c
ochre_gendoc_LDADD = libochre_raptorq.a $(NODE_LIBS) $(ALL_LIBS)

man1_MANS = doc/man/ochred.1 doc/man/ochre-cli.1 doc/man/ochre-rq.1 \
	doc/man/ochre-tx.1 doc/man/ochre-util.1 doc/man/ochre-wallet.1
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = \
	contrib/completions/ochred contrib/completions/ochre-cli \
	contrib/completions/ochre-rq contrib/completions/ochre-tx \
	contrib/completions/ochre-util contrib/completions/ochre-wallet
CLEANFILES += $(man1_MANS) $(bashcompletion_DATA)

$(man1_MANS): ochre-gendoc
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./ochre-gendoc man $(@F:.1=) >$@.tmp && mv $@.tmp $@
$(bashcompletion_DATA): ochre-gendoc
	$(AM_V_GEN)$(MKDIR_P) $(@D) && ./ochre-gendoc completion $(@F) >$@.tmp && mv $@.tmp $@

# Renews doc/rpc in the source tree.
rpc-doc: ochre-gendoc
	./ochre-gendoc rpc $(srcdir)/doc/rpc
