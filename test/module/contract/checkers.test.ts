/** Spec/09 §8: how custom checkers of the published packages are launched, what they see, and how they end. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { clusterXml, installSource, Server, writeModule } from "../../node/server.ts";

const service = `<service mode="mirror"><heart pulse="100" timeout="1000"><heartbeat name="default"/></heart><user/>
	<check>
		<custom ident="vm" exec="vmcheck" arg="vm1 two" when="prim" action="restart"/>
		<custom ident="pool" exec="poolcheck" when="prim" action="restart"/>
	</check></service>`;

/** As kvm's: reports late, by its resource's name, without -i; a faulty test lets every second poll pass. */
const vmcheck = `echo "vm $*" >> "$SAFEVAR/said"
echo $$ > "$SAFEVAR/pid"
sleep 4
while true; do "$SAFE/safekit" set -r "$2" -v up -m "$1"; sleep 1; done`;
/** As milestone's: with -i and -m, every time, though nothing changes; reads a file beside itself. */
const poolcheck = `echo "pool $# $(cat "$SAFEUSERBIN/list.txt" | wc -l)" >> "$SAFEVAR/said"
while true; do "$SAFE/safekit" set -r custom.pool -v up -i poolcheck -m "$SAFEMODULE"; sleep 1; done`;

test.serial(
	"<exec> <module> <resource> [arg…]; init is no failure; an equal value leaves no trace; it is ended",
	async (t) => {
		const node = new Server(t, "n1");
		writeFileSync(join(node.folder, "cluster.xml"), clusterXml);
		node.setup("setup");
		await node.start();
		node.ok("cluster", "config", join(node.folder, "cluster.xml"));
		const source = writeModule(join(node.folder, "source"), service, {
			vmcheck,
			poolcheck,
			start_prim: 'echo start >> "$SAFEVAR/said"',
		});
		writeFileSync(join(source, "bin/list.txt"), "one\ntwo\n");
		installSource(node, "m", source);
		node.ok("config", "-m", "m");
		node.ok("start", "-m", "m");
		node.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
		await node.until(() => node.said().length >= 3);
		t.deepEqual(node.said().sort(), ["pool 2 2", "start", "vm m custom.vm vm1 two"]);
		t.is(node.ok("get", "-m", "m", "-r", "custom.vm").trim(), "init", "nothing is known yet, and nothing is restarted");
		await node.until(() => node.ok("get", "-m", "m", "-r", "custom.vm").trim() === "up");
		await new Promise((resolve) => setTimeout(resolve, 3000));
		t.is(node.log("m").match(/Resource custom\.pool set to up by poolcheck\n/g)?.length, 1);
		t.is(node.state("m"), "ALONE Ready");
		const pid = Number(readFileSync(join(node.safevar, "pid"), "utf8"));
		t.true(existsSync(`/proc/${pid}`));
		node.ok("stop", "-m", "m");
		node.ok("waitstop", "-m", "m", "--timeout", "60");
		await node.until(() => !existsSync(`/proc/${pid}`), 20);
		t.pass("it never ends by itself, and is ended");
	},
);
