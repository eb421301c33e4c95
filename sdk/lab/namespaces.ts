/**
 * The command that starts a program in namespaces of its own. They have no name: when the first program in them dies,
 * they are gone, and it dies with the thread that started it.
 */

/** All that a server has of its own; `mounts` is enough to mount something that nobody else sees. */
const kinds = {
	server: ["--net", "--mount", "--uts", "--pid", "--ipc", "--fork", "--kill-child"],
	machine: ["--mount", "--uts", "--pid", "--ipc", "--fork", "--kill-child"],
	mounts: ["--mount"],
};

/**
 * Mounts made here must not appear outside. In a chroot, / is no mount point that could be told so; then the root of
 * the mount namespace is: entering the namespace that one is in already leads there.
 */
const keepMountsPrivate = `mount --make-rprivate / 2> /dev/null ||
nsenter --mount=/proc/self/ns/mnt mount --make-rprivate / || exit 1
`;

/** Program and arguments that run a bash script in new namespaces. `args` are its $1, $2… */
export function inNamespaces(kind: keyof typeof kinds, script: string, args: string[] = []): [string, string[]] {
	const unshare = ["unshare", ...kinds[kind], "--propagation", "unchanged"];
	return [
		"setpriv",
		["--pdeathsig", "KILL", ...unshare, "bash", "--norc", "-c", keepMountsPrivate + script, "init", ...args],
	];
}
