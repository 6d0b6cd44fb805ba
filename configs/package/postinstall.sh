#!/bin/sh
# After installing or upgrading: create the user, let systemd see the unit, and restart dz if it was running. A fresh
# install starts nothing: there is no source yet.
set -e

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers dz.conf
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A configuration that the new version refuses must not leave the package half installed.
	systemctl try-restart dz.service || echo "dz did not come up again: see journalctl -u dz" >&2
fi
