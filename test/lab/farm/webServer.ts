/** What the servers of a farm serve in these tests: a real nginx that names its server, and a real dnsmasq that does. */

/** Shell: starts nginx, answering with the server's name over IPv4 and IPv6. */
export const startWeb = `rm -f /run/draining
nginx -c /var/safekit/web.conf`;

/**
 * Shell: every answer asks its client to come back over a new connection, which another server takes by then; a moment
 * later nobody is left, and nginx ends without cutting anyone off.
 */
export const stopWeb = `[ "$1" != force ] || { pkill -9 -x nginx; exit 0; }
pgrep -x nginx > /dev/null || { rm -f /run/web.pid; exit 0; }
touch /run/draining
sleep 1
nginx -c /var/safekit/web.conf -s quit
for i in $(seq 100); do [ -e /run/web.pid ] || exit 0; sleep 0.1; done`;

/** Configuration of nginx on one server. */
export function webConf(name: string, port = 80): string {
	return `user root;
worker_processes 1;
worker_rlimit_nofile 8192;
pid /run/web.pid;
error_log /var/safekit/web-error.log;
events { worker_connections 4096; }
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	default_type text/plain;
	add_header X-Server ${name} always;
	server {
		listen ${port} backlog=4096;
		listen [::]:${port} backlog=4096;
		location / {
			if (-f /run/draining) { rewrite ^ /draining last; }
			return 200 "${name}\\n";
		}
		location = /alive {
			if (-f /run/draining) { return 404; }
			return 200 "${name}\\n";
		}
		location = /draining {
			internal;
			keepalive_timeout 0;
			return 200 "${name}\\n";
		}
	}
}
`;
}

/** Shell: starts dnsmasq, whose TXT record \`who.farm\` is the server's name. */
export const startNames = `dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file=/run/names.pid --user=root --txt-record=who.farm,$(hostname)`;

export const stopNames = `[ ! -e /run/names.pid ] || kill $(cat /run/names.pid); rm -f /run/names.pid; true`;
