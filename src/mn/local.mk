noinst_LIBRARIES += libochre_mn.a
libochre_mn_a_SOURCES =
