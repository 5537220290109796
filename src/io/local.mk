noinst_LIBRARIES += libochre_io.a
libochre_io_a_SOURCES =
