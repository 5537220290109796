/* Tor's control port: finds out where its SOCKS5 proxy is, and has it run an onion
 * service whose callers come to us. Keeps trying, with growing pauses. */
#ifndef OCHRE_NET_TOR_CONTROL_H
#define OCHRE_NET_TOR_CONTROL_H

struct net;
struct tor;

/* On the loop, as the rest; the listeners are open. */
struct tor *tor_start(struct net *net);
void tor_stop(struct tor *t); /* hangs up; NULL is fine */
/* When nothing of it is under way any more, from any thread. */
void tor_free(struct tor *t);

#endif
