noinst_LIBRARIES += libochre_db.a
libochre_db_a_SOURCES =
