/** A light module on a real daemon: its life, and the configuration that changes while it runs. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { clusterXml, installSource, Server, writeModule } from "./server.ts";

const say = (name: string): string => `echo "${name} $* [$COLOUR]" >> "$SAFEVAR/said"`;
const scripts = Object.fromEntries(
	["prestart", "start_both", "stop_both", "poststop", "transition", "update"].map((name) => [name, say(name)]),
);
const service = (attributes: string, colour: string, more = ""): string =>
	`<service mode="light"${attributes}><user><var name="COLOUR" value="${colour}"/></user>${more}</service>`;

async function lightServer(t: ExecutionContext): Promise<{ server: Server; edit(xml: string): void }> {
	const server = new Server(t, "n1");
	const source = writeModule(join(server.folder, "source"), service("", "red"), scripts);
	writeFileSync(join(server.folder, "cluster.xml"), clusterXml);
	server.setup("setup");
	await server.start();
	server.ok("cluster", "config", join(server.folder, "cluster.xml"));
	installSource(server, "m", source);
	const file = join(server.safe, "modules/m/conf/userconfig.xml");
	return { server, edit: (xml) => writeFileSync(file, `<!DOCTYPE safe>\n<safe>${xml}</safe>\n`) };
}

test.serial("start, restart, stop: the documented scripts in their order", async (t) => {
	const { server } = await lightServer(t);
	server.ok("config", "-m", "m");
	t.is(server.state("m"), "STOP NotReady");
	server.ok("start", "-m", "m");
	server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
	t.is(server.run("state", "-m", "m", "-q").code, 2);
	server.ok("restart", "-m", "m");
	server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
	const refused = server.run("swap", "-m", "m");
	t.is(refused.code, 2);
	t.regex(refused.err, /swap is for modules of mode mirror/);
	server.ok("stop", "-m", "m");
	server.ok("waitstop", "-m", "m", "--timeout", "60");
	t.deepEqual(server.said(), [
		"transition STOP WAIT start [red]",
		"prestart STOP WAIT start [red]",
		"transition WAIT UP start [red]",
		"start_both WAIT UP start [red]",
		"stop_both UP UP restart [red]",
		"stop_both force UP UP restart [red]",
		"start_both UP UP restart [red]",
		"stop_both UP WAIT stop [red]",
		"transition UP WAIT stop [red]",
		"stop_both force WAIT STOP stop [red]",
		"poststop WAIT STOP stop [red]",
		"transition WAIT STOP stop [red]",
	]);
});

test.serial(
	"what may change while it runs is applied and update is run; the rest is refused and changes nothing",
	async (t) => {
		const { server, edit } = await lightServer(t);
		server.ok("config", "-m", "m");
		server.ok("start", "-m", "m");
		server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
		edit(service(' maxloop="7"', "blue"));
		server.ok("config", "-m", "m");
		t.is(server.said().at(-1), "update UP UP update [blue]");
		t.is(server.state("m"), "UP Ready");
		// What the module knows of it outlives the daemon.
		await server.kill("SIGKILL");
		await server.start();
		t.is(server.state("m"), "UP Ready");
		t.regex(readFileSync(join(server.safevar, "modules/m/state.json"), "utf8"), /"maxloop":7/);
		server.ok("restart", "-m", "m");
		server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
		t.is(server.said().at(-1), "start_both UP UP restart [blue]");

		const inForce = join(server.safe, "private/modules/m/conf/safeconf.xml");
		const before = readFileSync(inForce, "utf8");
		edit(service("", "green", "<failover><![CDATA[mine: if (custom.a == down) then stop();]]></failover>"));
		t.is(server.run("config", "-m", "m", "--dry-run").code, 4);
		const refused = server.run("config", "-m", "m");
		t.is(refused.code, 4);
		t.regex(
			refused.err,
			/state UP Ready: nothing was changed, because these changes need a stop:\n {2}failover is added/,
		);
		t.is(readFileSync(inForce, "utf8"), before);
		server.ok("restart", "-m", "m");
		server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
		t.is(server.said().at(-1), "start_both UP UP restart [blue]");
	},
);

test.serial("the last three configurations are kept with their scripts and can be restored", async (t) => {
	const { server, edit } = await lightServer(t);
	t.is(server.run("config", "-m", "m", "--restore", "1").code, 2);
	const rules = "<failover><![CDATA[mine: if (custom.a == down) then stop();]]></failover>";
	for (const colour of ["red", "blue", "green", "white"]) {
		edit(service("", colour, colour === "blue" ? rules : ""));
		writeFileSync(
			join(server.safe, "modules/m/bin/start_both"),
			`#!/bin/sh\necho "start of ${colour}: $COLOUR" >> "$SAFEVAR/said"\n`,
		);
		server.ok("config", "-m", "m");
	}
	const kept = JSON.parse(server.ok("config", "-m", "m", "--list", "--json")).kept as {
		number: number;
		file: string;
	}[];
	t.deepEqual(
		kept.map(({ number }) => number),
		[1, 2, 3],
	);
	edit(service("", "of an edit that was never applied"));
	const done = JSON.parse(server.ok("config", "-m", "m", "--restore", "3", "--json"));
	server.ok("start", "-m", "m");
	server.ok("waitstate", "-m", "m", "UP", "--timeout", "60");
	t.is(server.said().at(-1), "start of blue: blue");
	t.true(readdirSync(join(server.safe, "Application_Modules/backup")).length > 0, "what was edited is kept");
	t.regex(done.archived, /backup\/m_.*\.safe$/);

	// One that cannot be applied now leaves everything as it was.
	edit(service("", "black", rules));
	t.is(server.run("config", "-m", "m", "--restore", "1", "--dry-run").code, 0);
	const refused = server.run("config", "-m", "m", "--restore", "2");
	t.is(refused.code, 4);
	t.regex(refused.err, /failover is removed/);
	t.is(server.state("m"), "UP Ready");
	t.regex(readFileSync(join(server.safe, "modules/m/conf/userconfig.xml"), "utf8"), /value="black"/);
	t.regex(readFileSync(join(server.safe, "private/modules/m/conf/safeconf.xml"), "utf8"), /value="blue"/);
	t.is(server.run("config", "-m", "m", "--restore", "7").code, 2);
});
