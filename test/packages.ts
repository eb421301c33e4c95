/** The Debian packages that the tests use, beside what the product itself needs. */
export const testPackages = [
	"acl",
	"attr",
	"curl",
	"dbus",
	"git",
	"iproute2",
	"iputils-arping",
	"iputils-ping",
	"kmod",
	"libxml2-utils",
	"nftables",
	"postgresql",
	"procps",
	"psmisc",
	"shellcheck",
	"sqlite3",
	"systemd",
	"tar",
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
