/** A mirror's configuration changes while it is PRIM (spec/02, "dyn"). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { pair, type Server } from "./server.ts";

const service = (timeoutMs: number, more = ""): string =>
	`<service mode="mirror"${more}><heart pulse="100" timeout="${timeoutMs}"><heartbeat name="default"/></heart><user/></service>`;
const edit = (server: Server, xml: string): void =>
	writeFileSync(join(server.safe, "modules/m/conf/userconfig.xml"), `<safe>${xml}</safe>\n`);

test.serial("heartbeats change while PRIM, nobody fails over, and the daemon's death forgets nothing", async (t) => {
	const [n1, n2] = await pair(t, service(3000), { start_prim: 'echo start >> "$SAFEVAR/said"' });
	n1.ok("start", "-m", "m");
	n1.ok("waitstart", "-m", "m");
	n2.ok("start", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	edit(n2, service(8000));
	const refused = n2.run("config", "-m", "m");
	t.is(refused.code, 4, "SECOND is no state in which a configuration is applied");
	edit(n1, service(8000));
	n1.ok("config", "-m", "m");
	t.is(n1.state("m"), "PRIM Ready");
	t.regex(readFileSync(join(n1.safevar, "run/heart.json"), "utf8"), /"timeoutMs":8000/);
	await n1.kill("SIGKILL");
	await n1.start();
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	edit(n1, service(8000, ' defaultprim="n2"'));
	const stop = n1.run("config", "-m", "m");
	t.is(stop.code, 4);
	t.regex(stop.err, /service@defaultprim: alone → n2\n/);
	// The new timeout holds: 3 s of silence are none any more.
	t.true(await n2.kill("SIGKILL"));
	await new Promise((resolve) => setTimeout(resolve, 5000));
	t.is(n1.state("m"), "PRIM Ready");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	t.deepEqual(n1.said(), ["start"]);
});
