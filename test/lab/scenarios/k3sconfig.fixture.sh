#!/bin/bash
# Makes the calls of the published set-up script k3sconfig.sh (spec/09 §9), in its order, and tests the same exit codes.
# k3sconfig.fixture.sh prereq | first IP1 IP2 PACKAGE VIRTUALIP | second

safekit=/opt/safekit/safekit
userconfig=/opt/safekit/modules/k3s/conf/userconfig.xml

fail() {
	echo "k3sconfig: $1 failed" >&2
	exit 1
}

# As the script edits: one line, no blank before "/>".
set_macro() {
	grep -q "macro name=\"$1\" value=\".*\"/>" "$userconfig" || fail "macro $1"
	sed -i "s|macro name=\"$1\" value=\".*\"/>|macro name=\"$1\" value=\"$2\"/>|" "$userconfig"
}

case $1 in
	prereq)
		/opt/safekit/private/bin/webservercfg -unsecure || fail webservercfg
		;;
	first)
		$safekit cluster create "$2" "$3" || fail "cluster create"
		$safekit cluster config || fail "cluster config"
		$safekit -H "*" -G || fail "-G"
		$safekit module install -m k3s "$4" || fail "module install"
		set_macro VIRTUALIP "$5"
		$safekit -H "*" -E k3s || fail "-E"
		$safekit prim -m k3s || fail prim
		$safekit waitstart -m k3s || fail waitstart
		test -e /data/started || fail "the database is not there"
		;;
	second)
		$safekit -H "server0" waitstart -m k3s || fail "waitstart on server0"
		$safekit start -m k3s || fail start
		;;
esac
