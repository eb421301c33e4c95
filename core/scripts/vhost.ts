/**
 * Virtual host names on Linux (spec/02 §8). The existing product preloads a library that answers gethostname and uname;
 * here the script that sources the generated file goes on in a UTS namespace of its own, so that no compiled file is
 * needed, and programs that are linked statically or run as another user have the name too. As there, what systemd or
 * another daemon starts for the script keeps the server's name.
 */

export interface VirtualHost {
	name: string;
	/** File of SAFEUSERBIN that scripts source. */
	envfile: string;
	when: "prim" | "second" | "both";
}

/**
 * The file for `. "$SAFEUSERBIN/<envfile>"` at the beginning of a script: the script starts again from its first line,
 * with the same process id and arguments, and has the name from then on. There is nothing to switch back: the name ends
 * with the script and what it started.
 */
export function environmentFile({ name, envfile, when }: VirtualHost): string {
	return `#!/bin/sh
# Made by \`safekit config\`: a change is lost at the next one. Scripts begin with
#   . "$SAFEUSERBIN/${envfile}"
# and from there on have the host name ${name}, they and what they start.
# The name holds in state ${when === "both" ? "PRIM, ALONE and SECOND" : when === "prim" ? "PRIM and ALONE" : "SECOND"}.
safevhost_role() {
	safevhost_first=''
	safevhost_last=''
	for safevhost_word; do
		case $safevhost_word in
			-Services) break ;;
			STOP | WAIT | ALONE | PRIM | SECOND | UP)
				safevhost_last=$safevhost_word
				safevhost_first=\${safevhost_first:-$safevhost_word}
				;;
		esac
	done
	case \${0##*/} in
		*_prim) echo prim ;;
		*_second) echo second ;;
		stop_*) safevhost_state "$safevhost_first" ;;
		*) safevhost_state "$safevhost_last" ;;
	esac
}
safevhost_state() {
	case $1 in
		ALONE | PRIM | UP) echo prim ;;
		SECOND) echo second ;;
		# Without a state of its own, as in prestart: whatever is left is stopped under the name.
		*) echo ${when} ;;
	esac
}
if [ "\${SAFEVHOST:-}" != '${name}' ]${when === "both" ? "" : ` && [ "$(safevhost_role "$@")" = ${when} ]`}; then
	if unshare --uts true 2>/dev/null; then
		export SAFEVHOST='${name}'
		# shellcheck disable=SC2016 # expanded by the inner shell
		exec unshare --uts sh -c '{ hostname "$SAFEVHOST" 2>/dev/null || echo "$SAFEVHOST" >/proc/sys/kernel/hostname; } && exec "$0" "$@"' "$0" "$@"
	fi
	echo "$0: no host name of its own here, unshare --uts is refused" >&2
fi
`;
}
