/** `_rfs_callback` (spec/03 §1, spec/09 §8): the moments, the environment, and a callback that says no. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { dataPair } from "./dataPair.ts";

/** Says what it was called with, whether it sees `<user>` variables, and what lies in the directory at that moment. */
const callback = `
dir=$(dirname "$SAFEVAR")/disk/data
echo "$* own=\${OWN:-none} module=$SAFEMODULE sees=$(ls $dir | tr "\\n" " ")." >> "$SAFEUSERVAR/rfs_callback.log"
cp "$SAFEUSERVAR/rfs_callback.log" "$SAFEVAR/said"
[ ! -e "$SAFEVAR/refuse" ] || exit 2`;

test.serial(
	"called before the copy, also on the way from primary to secondary; exit 2 keeps the data as it is",
	async (t) => {
		const scripts = { _rfs_callback: callback, start_prim: 'echo "start_prim own=$OWN" >> "$SAFEVAR/started"' };
		const { n1, n2, dirs } = await dataPair(t, 'scripts="on"', 3000, () => {}, scripts);
		writeFileSync(join(dirs[0], "a"), "first");
		n1.ok("prim", "-m", "m");
		n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
		t.deepEqual(n1.said(), [], "nothing is overwritten on a primary");

		writeFileSync(join(n2.safevar, "refuse"), "");
		n2.ok("start", "-m", "m");
		await n2.until(() => n2.state("m") === "WAIT NotReady");
		t.deepEqual(n2.said(), ["_rfs_startsynch own=none module=m sees=."]);
		t.regex(n2.ok("state", "-m", "m"), /_rfs_callback _rfs_startsynch ended with 2/);
		t.regex(
			n2.log("m"),
			/\| userplug \| S \| Script _rfs_callback "_rfs_startsynch" > userlog_.*__rfs_callback\.ulog\n/,
		);
		t.false(existsSync(join(dirs[1], "a")));
		n2.ok("stop", "-m", "m");
		n2.ok("waitstop", "-m", "m", "--timeout", "60");

		rmSync(join(n2.safevar, "refuse"));
		n2.ok("start", "-m", "m");
		n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
		t.deepEqual(n2.said().slice(1), ["_rfs_startsynch own=none module=m sees=."], "the copy had not begun");
		t.true(existsSync(join(dirs[1], "a")));

		n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
		n1.ok("swap", "-m", "m");
		n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "60");
		t.deepEqual(n1.said(), ["_rfs_pritoscd own=none module=m sees=a .", "_rfs_startsynch own=none module=m sees=a ."]);
		n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
		t.is(n2.said().length, 2, "the new primary is not called");
	},
);
