noinst_LIBRARIES += libochre_tickets.a
libochre_tickets_a_SOURCES =
