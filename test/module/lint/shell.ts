/** Mistakes in shell scripts. */
import type { Row } from "./table.ts";

function row(what: string, text: string, ...found: [code: string, severity: string, place: string][]): Row {
	return {
		what,
		files: { start_prim: text },
		found: found.map(([code, severity, at]) => [`LINT_${code}`, severity, `start_prim:${at}`]),
	};
}

export const shellRows: readonly Row[] = [
	row("an if without fi", "#!/bin/bash\nif true; then\n  echo x\n", ["SYNTAX", "error", "4:1"]),
	row("a word in the wrong place", "#!/bin/bash\necho a\n  done\n", ["SYNTAX", "error", "3:3"]),
	row("a quote that is not closed", '#!/bin/bash\necho "a\n', ["SYNTAX", "error", "2:1"]),
	row("sh", "#!/bin/sh\nif true; fi\n", ["SYNTAX", "error", "2:10"]),
	row("sh that only bash reads", "#!/bin/sh\na=(1 2)\n", ["SYNTAX", "warning", "2:3"]),
	row("an interpreter behind env", "#!/usr/bin/env bash\nfi\n", ["SYNTAX", "error", "2:1"]),
	row("a text that no line ends", "#!/bin/bash\ncat <<END\nx\n", ["SYNTAX", "warning", "3:1"]),
	row("patterns that the script turns on", "#!/bin/bash\nshopt -s extglob\necho @(a|b)*\nexit 0\n"),
	row(
		"words that only an alias explains",
		"#!/bin/bash\nshopt -s expand_aliases\nalias begin=if\nbegin true; then :; fi\n",
		[...(["SYNTAX", "warning", "4:13"] as [string, string, string])],
	),
	row("a script in another language", "#!/usr/bin/python3\nif True:\n  print(1)\n"),
	row("a sound script", "#!/bin/bash\ncase $1 in force) exit 0 ;; esac\ncat <<'END'\nfi\nEND\n"),
];

export const shellcheckRows: readonly Row[] = [
	row("a cd that may fail", "#!/bin/bash\ncd /data\nrm -f x\n", ["SHELL", "warning", "2:1"]),
	row("a comparison without blanks", '#!/bin/sh\nif [ "$1"="force" ]; then exit 0; fi\n', ["SHELL", "warning", "2:10"]),
	row("what the author switched off", "#!/bin/bash\n# shellcheck disable=SC2164\ncd /data\n"),
	row("a word that a blank splits", "#!/bin/bash\nrm -f $1\n", ["SHELL", "warning", "2:7"]),
	row("variables of a library, and style", '#!/bin/bash\n. "$SAFEUSERBIN/lib"\nunused=1\necho "$units" "`date`"\n'),
];
