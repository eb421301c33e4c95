/** 32 mirrors on two servers at once, half of them at home on each (active/active; spec/01 §1, §7). */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { writePackage } from "../../core/module/package/write.ts";
import { makeNodes, type Node } from "./nodes.ts";
import { writeModule } from "./server.ts";

const count = 32;
const homeOf = (index: number): string => (index % 2 === 0 ? "n1" : "n2");
const service = (home: string): string =>
	`<service mode="mirror" defaultprim="${home}"><heart pulse="300" timeout="6s"><heartbeat name="default"/></heart><user/></service>`;
const scripts = {
	start_prim: 'echo "start $SAFEMODULE" >> "$SAFEVAR/said"',
	stop_prim: '[ "$1" = force ] || echo "stop $SAFEMODULE" >> "$SAFEVAR/said"',
};

async function until(node: Node, wanted: Record<string, number>, seconds = 120): Promise<void> {
	for (const end = Date.now() + seconds * 1000; ; await sleep(200)) {
		const states = await node.states();
		if (Object.entries(wanted).every(([state, many]) => states.get(state) === many)) return;
		if (Date.now() > end) throw new Error(`${node.server.name}: ${[...states].join(" ")}`);
	}
}

test("32 modules find their homes, outlive a daemon, and all go on where one server is left", async (t) => {
	const undo: (() => Promise<void>)[] = [];
	t.teardown(async () => {
		for (const action of undo.reverse()) await action();
	});
	const [first, second] = await makeNodes((action) => undo.push(action));
	const names = Array.from({ length: count }, (_, index) => `m${index}`);
	for (const node of [first, second]) {
		for (const [index, name] of names.entries()) {
			const file = join(node.server.folder, `${name}.safe`);
			await writePackage(writeModule(join(node.server.folder, "source", name), service(homeOf(index)), scripts), file);
			await node.ok("module", "install", "-m", name, file);
			await node.ok("config", "-m", name);
		}
	}
	await Promise.all(names.map((name) => first.ok("start", "-m", name)));
	await until(first, { "ALONE Ready": count });
	await Promise.all(names.map((name) => second.ok("start", "-m", name)));
	for (const node of [first, second]) await until(node, { "PRIM Ready": count / 2, "SECOND Ready": count / 2 });
	const said = (node: Node, word: string): string[] =>
		node.server
			.said()
			.filter((line) => line.startsWith(word))
			.sort();
	const athome = (home: string): string[] =>
		names.filter((_, index) => homeOf(index) === home).map((name) => `start ${name}`);
	t.deepEqual(said(second, "start"), athome("n2").sort());
	t.deepEqual(
		said(first, "stop"),
		athome("n2")
			.map((line) => line.replace("start", "stop"))
			.sort(),
	);

	await second.server.kill("SIGKILL");
	await second.server.start();
	for (const node of [first, second]) await until(node, { "PRIM Ready": count / 2, "SECOND Ready": count / 2 });
	t.is(said(second, "start").length, count / 2, "the application was not touched");

	await first.ok("shutdown");
	await until(first, { "STOP NotReady": count });
	await until(second, { "ALONE Ready": count });
	t.is(said(second, "start").length, count);
});
