# Long programs around the functional tests' framework; pytest runs their short forms.
#   make soak SOAK_SECONDS=60 SOAK_ARGS='--seed 7'
SOAK_SECONDS = 60
SOAK_ARGS =

soak: all
	OCHRE_BUILDDIR=$(abs_builddir) /usr/bin/python3 $(srcdir)/test/functional/soak.py \
	    --seconds $(SOAK_SECONDS) $(SOAK_ARGS)

soak-long:
	$(MAKE) $(AM_MAKEFLAGS) soak SOAK_SECONDS=3600

.PHONY: soak soak-long
