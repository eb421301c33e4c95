/** The Debian packages that the tests use, beside what the product itself needs. */
export const testPackages = [
	"acl",
	"apache2",
	"attr",
	"curl",
	"dbus",
	"dnsmasq-base",
	"docker.io",
	"git",
	"iproute2",
	"iputils-arping",
	"iputils-ping",
	"kmod",
	"libxml2-utils",
	"nftables",
	"nginx-light",
	"postgresql",
	"procps",
	"psmisc",
	"shellcheck",
	"sqlite3",
	"systemd",
	"tar",
	"tcpdump",
	"util-linux",
];

/** What `npm run bench` measures with, or measures. */
export const benchPackages = [
	"fio",
	"git",
	"glusterfs-client",
	"glusterfs-server",
	"iproute2",
	"postgresql",
	"procps",
	"tar",
	"util-linux",
];

/** What `npm run bench -- farm` measures with, or measures. */
export const farmPackages = [
	"haproxy",
	"iproute2",
	"keepalived",
	"nftables",
	"nginx-light",
	"procps",
	"util-linux",
	"wrk",
];
