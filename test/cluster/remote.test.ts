/** How servers give each other commands: whom -H means, and what a conversation refuses. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import test, { type ExecutionContext } from "ava";
import { callWithKey, type SharedKey } from "../../core/cluster/keyTls.ts";
import { readCluster } from "../../core/cluster/read.ts";
import { askServer } from "../../core/cluster/remote/ask.ts";
import { commandKey, invitationKey } from "../../core/cluster/remote/keys.ts";
import { type Asked, CommandServer } from "../../core/cluster/remote/serve.ts";
import { type Target, targetsOf } from "../../core/cluster/remote/targets.ts";
import { asSafekitError } from "../../core/errors.ts";

const xml = `<cluster><lans>
	<lan name="private"><node name="n1" addr="10.1.0.1"/><node name="n2" addr="10.1.0.2"/></lan>
	<lan name="default" command="COMMAND"><node name="n1" addr="10.0.0.1"/><node name="n2" addr="[fd00::2]"/><node name="n3" addr="three.example"/></lan>
</lans></cluster>`;
const cluster = readCluster(Buffer.from(xml.replace("COMMAND", "on")), "cluster.xml").cluster;
const servers = (hosts: string, of = cluster): string[] => targetsOf(hosts, of, 9010).map(({ server }) => server);

test("-H names servers in every documented form, on the lan for commands", (t) => {
	t.deepEqual(servers("*"), ["http://10.0.0.1:9010", "http://[fd00::2]:9010", "http://three.example:9010"]);
	const unmarked = readCluster(Buffer.from(xml.replace("COMMAND", "off")), "cluster.xml").cluster;
	t.deepEqual(servers("*", unmarked), servers("*"), "the first lan that has every node");
	t.deepEqual(servers("n3, n1,n3"), ["http://three.example:9010", "http://10.0.0.1:9010"]);
	t.deepEqual(servers("[https],n1,other"), ["https://10.0.0.1:9010", "https://other:9010"]);
	t.deepEqual(servers("[http:9011],[fd00::9],10.0.0.9"), ["http://[fd00::9]:9011", "http://10.0.0.9:9011"]);
	t.deepEqual(servers("http://10.0.0.1:9012,https://[fd00::2]"), ["http://10.0.0.1:9012", "https://[fd00::2]:9010"]);
	t.deepEqual(
		targetsOf("http://10.0.0.1:9012,http://10.0.0.9", cluster, 9010).map(({ node }) => node),
		["n1", null],
	);
	for (const wrong of [
		"",
		"n9",
		"10.0.0.9",
		"n1,",
		"*,n1",
		"[http:0],n1",
		"http://a:99999",
		"http://a b",
		"[ftp],n1",
		"http://a/path",
	]) {
		t.is(asSafekitError(t.throws(() => servers(wrong))).code, "REMOTE_SERVERS", wrong);
	}
	t.is(asSafekitError(t.throws(() => targetsOf("*", null, 9010))).code, "CLUSTER_NOT_CONFIGURED");
	t.is(targetsOf("http://10.0.0.1", null, 9010).length, 1);
	const many = Array.from({ length: 65 }, (_, index) => `http://10.0.1.${index}`).join(",");
	t.is(asSafekitError(t.throws(() => servers(many))).code, "REMOTE_SERVERS");
});

const key = commandKey(randomBytes(32));

interface Opened {
	target: Target;
	asked: Asked[];
	ask(argv: string[], with_?: SharedKey, body?: Buffer): Promise<{ code: number; out: string; check: string }>;
}

/** A server that says what it was asked, and ends with 7. */
async function open(
	t: ExecutionContext,
	keys: SharedKey[],
	say = (asked: Asked) => `${asked.argv.join(" ")}\n`,
): Promise<Opened> {
	const asked: Asked[] = [];
	const commands = new CommandServer({
		keys: async () => keys,
		answer: async (socket, one) => {
			asked.push(one);
			const text = say(one);
			for (let at = 0; at < text.length || at === 0; at += 1 << 20)
				socket.write(`${JSON.stringify({ o: text.slice(at, at + (1 << 20)) })}\n`);
			socket.end(`${JSON.stringify({ x: 7 })}\n`);
		},
		report: () => {},
	});
	const server: Server = createServer((socket) => commands.accept(socket)).listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => server.close());
	const { port } = server.address() as { port: number };
	const target = { server: `http://127.0.0.1:${port}`, host: "127.0.0.1", port, node: "n2" };
	return {
		target,
		asked,
		async ask(argv, with_ = key, body) {
			let out = "";
			const say = (text: string): void => {
				out += text;
			};
			const saying = { out: say, err: () => {} };
			const request = { argv, module: undefined, ...(body === undefined ? {} : { body }) };
			return { ...(await askServer(target, with_, request, saying, new AbortController().signal)), out };
		},
	};
}

async function codeOf(work: Promise<unknown>): Promise<string> {
	return work.then(
		() => "none",
		(error) => asSafekitError(error).code,
	);
}

test("a command, what comes along, its output and its exit code", async (t) => {
	const { ask, asked } = await open(t, [key]);
	const body = randomBytes(3_000_001);
	t.like(await ask(["state", "-m", "é\n"], key, body), { code: 7, out: "state -m é\n\n" });
	t.true(asked[0]?.body.equals(body));
	t.is(asked[0]?.invitation, null);
	t.is((await ask(["x"])).code, 7);
});

test("another key, no key, and none at all", async (t) => {
	const { ask, asked } = await open(t, [key]);
	t.is(await codeOf(ask(["x"], commandKey(randomBytes(32)))), "REMOTE_KEY");
	t.is(await codeOf(ask(["x"], invitationKey)), "REMOTE_KEY", "who has a key takes no first configuration");
	const closed = await open(t, []);
	t.is(await codeOf(closed.ask(["x"])), "REMOTE_KEY");
	const invited = await open(t, [invitationKey]);
	t.is(await codeOf(invited.ask(["x"])), "REMOTE_KEY");
	const { check } = await invited.ask(["x"], invitationKey);
	t.is(await codeOf(invited.ask(["x"], invitationKey, Buffer.alloc((4 << 20) + 1))), "REMOTE_ENDED");
	t.regex(check, /^[0-9a-f]{4}(-[0-9a-f]{4}){3}$/);
	t.is(invited.asked[0]?.invitation, check, "both ends have the same check code");
	t.not((await invited.ask(["x"], invitationKey)).check, check, "and each connection another one");
	t.deepEqual(asked, []);
});

test("too much is refused, on both sides", async (t) => {
	const { ask, target, asked } = await open(t, [key], () => "x".repeat(17 << 20));
	t.is(await codeOf(ask(["x"])), "REMOTE_LIMIT");
	asked.length = 0;
	t.is(await codeOf(ask(["x".repeat(2 << 20)])), "REMOTE_ENDED");
	const said = [
		"no json\n",
		"{}\n",
		`${JSON.stringify({ argv: ["x"], bytes: 1e12 })}\n`,
		`${JSON.stringify({ argv: ["x"], bytes: -1 })}\n`,
		`${JSON.stringify({ argv: [1], bytes: 0 })}\n`,
		randomBytes(4096),
	];
	for (const bytes of said) {
		const tls = callWithKey(connect({ host: target.host, port: target.port }), key);
		tls.on("error", () => {}).resume();
		await once(tls, "secureConnect");
		tls.write(bytes);
		await once(tls, "close");
	}
	t.deepEqual(asked, []);
	// Whoever speaks something else is gone at once.
	const plain = connect({ host: target.host, port: target.port });
	plain.on("error", () => {}).resume();
	plain.write("GET / HTTP/1.1\r\n\r\n");
	await once(plain, "close");
	t.like(await ask(["y"]).catch(asSafekitError), { code: "REMOTE_LIMIT" }, "the others go on");
});

test("a server that is not there, and one that goes away", async (t) => {
	const silent = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
	await once(silent, "listening");
	const { port } = silent.address() as { port: number };
	const target = { server: `http://127.0.0.1:${port}`, host: "127.0.0.1", port, node: null };
	const saying = { out: () => {}, err: () => {} };
	const ask = () => askServer(target, key, { argv: ["x"], module: undefined }, saying, new AbortController().signal);
	t.is(await codeOf(ask()), "REMOTE_KEY");
	silent.close();
	t.is(await codeOf(ask()), "REMOTE_UNREACHED");
});
