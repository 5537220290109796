noinst_LIBRARIES += libochre_io.a
libochre_io_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
libochre_io_a_SOURCES = \
	src/io/conn.c src/io/conn.h \
	src/io/endpoint.c src/io/sockaddr.h \
	src/io/http.c src/io/http.h src/io/http_internal.h \
	src/io/http_read.c src/io/http_workers.c \
	src/io/line_conn.c src/io/line_conn.h \
	src/io/loop.c src/io/loop.h \
	src/io/netaddr.c src/io/netaddr.h \
	src/io/proxy.c src/io/proxy.h \
	src/io/socks5.c src/io/socks5.h
if HAVE_ZMQ
libochre_io_a_SOURCES += src/io/zmq_outlet.c src/io/zmq_outlet.h
endif
