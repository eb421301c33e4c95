import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import AdmZip from "adm-zip";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { readClusterConfiguration } from "../../core/cluster/configuration.ts";
import { deriveKey } from "../../core/cluster/key.ts";
import {
	checkClusterFile,
	configureCluster,
	createCluster,
	deconfigureCluster,
	deleteClusterKey,
	generateClusterKey,
	packageCluster,
} from "../../core/cluster/operations.ts";
import { readCluster } from "../../core/cluster/read.ts";
import { nodeNames, ownNode, pairOn } from "../../core/cluster/self.ts";
import { asSafekitError, type Problem, SafekitError } from "../../core/errors.ts";
import { type Paths, pathsFrom } from "../../core/module/paths.ts";
import { makeTestFolder } from "../folder.ts";

const good = `<?xml version="1.0"?>
<!-- two lans -->
<cluster>
  <lans port="4801" pulse="200" mlost_count="20" console="on">
    <lan name="default" command="on">
      <node name="one" addr="10.0.0.1"/>
      <node name="two" addr="10.0.0.2" laddr="192.168.7.2"/>
    </lan>
    <lan name="private">
      <node name="one" addr="[fd00::1]"/>
      <node name="two" addr="two.example"/>
    </lan>
  </lans>
</cluster>
`;

function problemsOf(xml: string): Problem[] {
	try {
		readCluster(Buffer.from(xml), "cluster.xml");
		return [];
	} catch (error) {
		return [...asSafekitError(error).problems];
	}
}

function folder(t: ExecutionContext): { paths: Paths; folder: string } {
	const path = makeTestFolder("cluster");
	t.teardown(() => rmSync(path, { recursive: true, force: true }));
	return { paths: pathsFrom({ SAFE: join(path, "safe"), SAFEVAR: join(path, "var") }), folder: path };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
	try {
		await work;
		return "none";
	} catch (error) {
		return error instanceof SafekitError ? error.code : String(error);
	}
}

test("a cluster is read with its lans and addresses; legacy attributes are a warning", (t) => {
	const { cluster, warnings } = readCluster(Buffer.from(good), "cluster.xml");
	t.deepEqual(cluster, {
		port: 4801,
		pulseMs: 200,
		lans: [
			{
				name: "default",
				command: true,
				nodes: [
					{ name: "one", addr: "10.0.0.1" },
					{ name: "two", addr: "10.0.0.2", laddr: "192.168.7.2" },
				],
			},
			{
				name: "private",
				command: false,
				nodes: [
					{ name: "one", addr: "fd00::1" },
					{ name: "two", addr: "two.example" },
				],
			},
		],
	});
	t.deepEqual(
		warnings.map(({ code, severity, line, attribute }) => [code, severity, line, attribute]),
		[
			["CONFIG_LATER", "warning", 4, "mlost_count"],
			["CONFIG_LEGACY", "warning", 4, "console"],
		],
	);
	t.deepEqual(nodeNames(cluster), ["one", "two"]);
	t.deepEqual(
		pairOn(cluster, "private", "two", "one")?.map(({ addr }) => addr),
		["two.example", "fd00::1"],
	);
	t.is(pairOn(cluster, "other", "two", "one"), undefined);
});

const mistakes: [what: string, from: string, to: string, expected: Partial<Problem>][] = [
	[
		"an address twice",
		"10.0.0.2",
		"10.0.0.1",
		{ code: "CONFIG_REPEATED", line: 7, attribute: "addr", found: "10.0.0.1" },
	],
	[
		"a node twice",
		'name="two" addr="10',
		'name="one" addr="10',
		{ code: "CONFIG_REPEATED", line: 7, attribute: "name" },
	],
	["a lan twice", '"private"', '"default"', { code: "CONFIG_REPEATED", line: 9, element: "lan", found: "default" }],
	["another node's address", "[fd00::1]", "10.0.0.2", { code: "CONFIG_REPEATED", line: 10, attribute: "addr" }],
	["the same IPv6 address", "two.example", "fd00:0::01", { code: "CONFIG_REPEATED", line: 11 }],
	["no address", ' addr="10.0.0.1"', "", { code: "CONFIG_MISSING", line: 6, element: "node", attribute: "addr" }],
	["a wrong address", "10.0.0.1", "10.0.0.300", { code: "CONFIG_VALUE", line: 6, column: 24, found: "10.0.0.300" }],
	["an empty address", "10.0.0.1", "", { code: "CONFIG_BLANK", line: 6, attribute: "addr" }],
	["a blank in a name", '"private"', '"my lan"', { code: "CONFIG_VALUE", line: 9, attribute: "name" }],
	["a wrong port", "4801", "99999", { code: "CONFIG_VALUE", line: 4, attribute: "port" }],
	["a pulse with a unit", '"200"', '"200ms"', { code: "CONFIG_VALUE", line: 4, attribute: "pulse", found: "200ms" }],
	["two lans for commands", 'lan name="private"', 'lan name="private" command="on"', { line: 9, attribute: "command" }],
	["an unknown element", "<lans port", "<lan port", { code: "XML_SYNTAX" }],
	[
		"a misspelt attribute",
		"laddr",
		"ladr",
		{ code: "CONFIG_UNKNOWN_ATTRIBUTE", line: 7, remedy: "Did you mean `laddr`?" },
	],
	["a repeated attribute", 'command="on"', 'command="on" command="on"', { line: 5 }],
	["two roots", "</cluster>", "</cluster><cluster/>", { code: "XML_SYNTAX" }],
	["an entity", "10.0.0.1", "&x;", { code: "XML_ENTITY", line: 6 }],
	[
		"another root",
		"cluster>",
		"safe>",
		{ code: "CONFIG_UNKNOWN_ELEMENT", line: 3, found: "safe", expected: "cluster" },
	],
];

test("every mistake is named with its place", (t) => {
	for (const [what, from, to, expected] of mistakes) {
		const problems = problemsOf(good.replaceAll(from, to)).filter(({ severity }) => severity === "error");
		t.like(problems[0] ?? {}, { file: "cluster.xml", ...expected }, what);
		t.truthy(problems[0]?.remedy, what);
	}
});

test("one lan has every node, and the lan for commands too", (t) => {
	const lan = (name: string, more: string, ...nodes: number[]) =>
		`<lan name="${name}"${more}>${nodes.map((n) => `<node name="n${n}" addr="10.0.${name}.${n}"/>`).join("")}</lan>`;
	const of = (...lans: string[]) => problemsOf(`<cluster><lans>${lans.join("")}</lans></cluster>`);
	t.deepEqual(of(lan("1", "", 1, 2, 3), lan("2", "", 1, 2)), []);
	t.like(of(lan("1", "", 1, 2), lan("2", "", 2, 3))[0], { code: "CONFIG_MISSING", element: "lans" });
	t.like(of(lan("1", "", 1, 2, 3), lan("2", ' command="on"', 1, 2))[0], { attribute: "command", element: "lan" });
	t.like(of()[0], { code: "CONFIG_MISSING", element: "lans" });
	t.like(of('<lan name="x"></lan>')[0], { code: "CONFIG_MISSING", element: "lan" });
});

test("whatever stands in the file, reading ends with a cluster or with problems", (t) => {
	fc.assert(
		fc.property(fc.nat(good.length), fc.nat(40), fc.string({ maxLength: 20 }), (at, length, text) => {
			const xml = good.slice(0, at) + text + good.slice(at + length);
			try {
				readCluster(Buffer.from(xml), "cluster.xml");
			} catch (error) {
				return error instanceof SafekitError && error.problems.length > 0;
			}
			return true;
		}),
	);
	t.pass();
});

test("this machine is the node whose address it has; SAFENODE decides otherwise", async (t) => {
	const { cluster } = readCluster(Buffer.from(good.replace("two.example", "localhost")), "cluster.xml");
	t.is(await ownNode(cluster, undefined, ["172.16.0.1", "10.0.0.1"]), "one");
	t.is(await ownNode(cluster, "", ["fd00:0:0::1"]), "one");
	t.is(await ownNode(cluster, undefined, ["192.168.7.2"]), "two", "the local address behind translation");
	t.is(await ownNode(cluster, undefined, ["127.0.0.1", "::1"]), "two", "a name");
	t.is(await ownNode(cluster, "two", ["10.0.0.1"]), "two");
	for (const [override, addresses] of [
		["three", ["10.0.0.1"]],
		[undefined, ["10.0.0.9"]],
		[undefined, ["10.0.0.1", "192.168.7.2"]],
	] as const) {
		t.is(await codeOf(ownNode(cluster, override, addresses)), "CLUSTER_NOT_A_NODE");
	}
});

test("a cluster of more servers has them in the order of their addresses", async (t) => {
	const { paths } = folder(t);
	await createCluster(paths, ["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
	await configureCluster(paths, {});
	const [lan] = (await readClusterConfiguration(paths)).cluster.lans;
	t.deepEqual(
		lan?.nodes.map(({ name, addr }) => `${name} ${addr}`),
		["server0 10.0.0.3", "server1 10.0.0.1", "server2 10.0.0.2"],
	);
});

test("two commands on the first server, one on the second: both have the same signature", async (t) => {
	const first = folder(t);
	const second = folder(t);
	t.is(await codeOf(readClusterConfiguration(first.paths)), "CLUSTER_NOT_CONFIGURED");
	await createCluster(first.paths, ["10.0.0.1", "[fd00::2]"]);
	t.is(await codeOf(readClusterConfiguration(first.paths)), "CLUSTER_KEY");
	t.like(await configureCluster(first.paths, {}), { key: "made", locked: false });
	const one = await readClusterConfiguration(first.paths);
	t.deepEqual(
		one.cluster.lans.map(({ name, nodes }) => ({ name, nodes })),
		[
			{
				name: "default",
				nodes: [
					{ name: "server0", addr: "10.0.0.1" },
					{ name: "server1", addr: "fd00::2" },
				],
			},
		],
	);
	const zip = join(first.folder, "cluster.zip");
	await packageCluster(first.paths, zip);
	t.is(statSync(zip).mode & 0o777, 0o600);
	t.is(statSync(first.paths.clusterKey).mode & 0o777, 0o600);
	t.is(statSync(first.paths.clusterKey).size, 32);
	t.like(await configureCluster(second.paths, { file: zip }), { key: "imported" });
	const two = await readClusterConfiguration(second.paths);
	t.is(two.signature, one.signature);
	t.deepEqual(two.key, one.key);
	await generateClusterKey(second.paths);
	t.not((await readClusterConfiguration(second.paths)).signature, one.signature);
	t.true(await deleteClusterKey(second.paths));
	t.is(await codeOf(readClusterConfiguration(second.paths)), "CLUSTER_KEY");
	t.is(await codeOf(packageCluster(second.paths, zip)), "CLUSTER_KEY");
	await createCluster(first.paths, ["10.0.0.1", "[fd00::2]"]);
	t.is(await codeOf(createCluster(first.paths, ["10.0.0.1", "10.0.0.9"])), "CLUSTER_EXISTS", "never over a cluster");
	const refuse = () => Promise.reject(new SafekitError("CLUSTER_NOT_A_NODE", "elsewhere"));
	const before = readFileSync(first.paths.clusterKey);
	t.is(await codeOf(configureCluster(first.paths, { accept: refuse })), "CLUSTER_NOT_A_NODE");
	t.deepEqual(readFileSync(first.paths.clusterKey), before, "refused before anything is written");
	t.true(await deconfigureCluster(first.paths));
	t.false(await deconfigureCluster(first.paths));
	t.false(existsSync(first.paths.clusterXml) || existsSync(first.paths.clusterKey));
});

test("what is invalid changes nothing, and a lock refuses what is valid", async (t) => {
	const { paths, folder: path } = folder(t);
	const file = join(path, "cluster.xml");
	writeFileSync(file, good);
	t.is((await configureCluster(paths, { file })).warnings.length, 2);
	const before = await readClusterConfiguration(paths);
	const zip = (entries: Record<string, string | Buffer>) => {
		const made = new AdmZip();
		for (const [name, content] of Object.entries(entries)) made.addFile(name, Buffer.from(content));
		return made.toBuffer();
	};
	const key = Buffer.alloc(32);
	const wrong: [string, Buffer | string][] = [
		["CONFIG_INVALID", good.replace("10.0.0.2", "10.0.0.1")],
		["CONFIG_INVALID", zip({ "cluster.xml": "<cluster/>", "cluster.key": key })],
		["CLUSTER_PACKAGE", zip({ "cluster.xml": good })],
		["CLUSTER_PACKAGE", zip({ "cluster.xml": good, "cluster.key": "short" })],
		["CLUSTER_PACKAGE", zip({ "cluster.xml": good, "cluster.key": key, more: "x" })],
		["CLUSTER_PACKAGE", zip({ "cluster.xml": good, "cluster.key": key }).subarray(0, 100)],
		["CLUSTER_FILE", ""],
	];
	for (const [code, content] of wrong) {
		writeFileSync(file, content);
		t.is(await codeOf(configureCluster(paths, { file })), code);
		t.is((await readClusterConfiguration(paths)).signature, before.signature);
	}
	t.is(await codeOf(configureCluster(paths, { file: join(path, "absent") })), "CLUSTER_FILE");
	t.is(await codeOf(configureCluster(paths, { file: path })), "CLUSTER_FILE");
	t.is(await codeOf(createCluster(paths, ["10.0.0.1", "10.0.0.1"])), "CONFIG_INVALID");
	t.is(await codeOf(createCluster(paths, ["10.0.0.1", 'x"/>'])), "USAGE");
	t.is(await codeOf(createCluster(paths, ["10.0.0.1"])), "USAGE");
	t.is((await configureCluster(paths, { lock: "lock" })).key, "kept");
	t.true((await readClusterConfiguration(paths)).locked);
	writeFileSync(file, good);
	t.deepEqual((await checkClusterFile(file)).length, 2);
	for (const refused of [
		configureCluster(paths, { file }),
		configureCluster(paths, {}),
		createCluster(paths, ["10.0.0.1", "10.0.0.2"]),
		deconfigureCluster(paths),
	]) {
		t.is(await codeOf(refused), "CLUSTER_LOCKED");
	}
	t.is((await readClusterConfiguration(paths)).signature, before.signature);
	t.is((await configureCluster(paths, { lock: "unlock" })).key, "kept");
	t.like(await configureCluster(paths, { file, lock: "lock" }), { key: "made", locked: true });
});

test("a crash between key and configuration is visible, and running the command again completes it", async (t) => {
	const { paths, folder: path } = folder(t);
	const file = join(path, "cluster.xml");
	writeFileSync(file, good);
	await configureCluster(paths, { file });
	const zip = join(path, "c.zip");
	await packageCluster(paths, zip);
	const wanted = (await readClusterConfiguration(paths)).signature;
	const other = folder(t);
	await configureCluster(other.paths, { file });
	// What the disk holds if the power goes after the first of the two files.
	writeFileSync(other.paths.clusterKey, readFileSync(paths.clusterKey));
	writeFileSync(join(dirname(paths.clusterXml), ".cluster.xml.0123456789ab.tmp"), "half");
	t.deepEqual((await readClusterConfiguration(other.paths)).key, readFileSync(paths.clusterKey));
	await configureCluster(other.paths, { file: zip });
	t.is((await readClusterConfiguration(other.paths)).signature, wanted);
	await configureCluster(paths, { file: zip });
	t.false(existsSync(join(dirname(paths.clusterXml), ".cluster.xml.0123456789ab.tmp")));
});

test("each purpose and module has a key of its own", (t) => {
	const key = Buffer.alloc(32, 1);
	const keys = [
		deriveKey(key, "heartbeat", "a"),
		deriveKey(key, "replication", "a"),
		deriveKey(key, "heartbeat", "b"),
		deriveKey(Buffer.alloc(32, 2), "heartbeat", "a"),
	].map((each) => each.toString("hex"));
	t.is(new Set(keys).size, 4);
	t.deepEqual(deriveKey(key, "heartbeat", "a").toString("hex"), keys[0]);
});
