# ochre-cli, ochre-tx, ochre-util
bin_PROGRAMS += ochre-cli
ochre_cli_SOURCES = \
	src/cli/cli.h src/cli/cli_call.c src/cli/cli_info.c src/cli/cli_netinfo.c \
	src/cli/cli_options.c src/cli/cli_send.c \
	src/cli/http_client.c src/cli/http_client.h \
	src/cli/ochre-cli.c
ochre_cli_LDADD = $(NODE_LIBS) $(ALL_LIBS)
