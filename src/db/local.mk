noinst_LIBRARIES += libochre_db.a
libochre_db_a_SOURCES = src/db/db.c src/db/db.h
