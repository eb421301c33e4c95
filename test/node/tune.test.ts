/** What of `<rfs>` may change while the module runs reaches the replication process (spec/02 §6, "dyn"). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { dataPair } from "./dataPair.ts";

test.serial("what may change of <rfs> does while ALONE, in the process that runs and in the next one", async (t) => {
	const { n1, dirs } = await dataPair(t, 'nbrei="6"', 2000);
	const file = join(n1.safe, "modules/m/conf/userconfig.xml");
	const edit = (attributes: string): void =>
		writeFileSync(file, readFileSync(file, "utf8").replace(/<rfs [^>]*>/, `<rfs ${attributes}>`));
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	edit('async="none" nbrei="3"');
	n1.ok("config", "-m", "m");
	t.is(n1.state("m"), "ALONE Ready");
	t.regex(n1.log("m"), /\| rfsplug \| D \| async=none nbrei=3 reitimeout=150000ms reidetail=off\n/);
	writeFileSync(join(dirs[0], "a"), "a change is still taken");
	await n1.kill("SIGKILL");
	await n1.start();
	edit('async="second" nbrei="4" reitimeout="3m" reidetail="on"');
	n1.ok("config", "-m", "m");
	const second = /\| rfsplug \| D \| async=second nbrei=4 reitimeout=180000ms reidetail=on\n/;
	t.regex(n1.log("m"), second, "also through a daemon that found the process");
	edit('async="second" nbrei="4" reitimeout="3m" reidetail="on" locktimeout="50"');
	const refused = n1.run("config", "-m", "m");
	t.is(refused.code, 4);
	t.regex(refused.err, /rfs@locktimeout: 100s → 50/);
	t.is(readFileSync(join(dirs[0], "a"), "utf8"), "a change is still taken");
});
