import test from "ava";
import type { FarmView } from "../../../core/engine/farm/group.ts";
import type { BalancingGroup } from "../../../core/module/configuration.ts";
import type { TrackedClient } from "../../../core/vip/addresses.ts";
import { Connections } from "../../../core/vip/farm/connections.ts";
import { bucketOf } from "../../../core/vip/farm/hash.ts";

const here = "10.9.0.7";
const bucket = bucketOf("on_addr", here, 0) as number;
const rules: BalancingGroup["rules"] = [{ virtualAddr: null, port: 80, proto: "tcp", filter: "on_addr" }];
let version = 0;

function view(owner: string): FarmView {
	const groups = [{ name: "web", owners: Array.from({ length: 256 }, () => owner) }];
	return { version: ++version, members: ["a", "b"], serving: [], groups, settled: true };
}

/** Node a had everything, b has it now; what the kernel names, and how often it was asked. */
function moved(answers: (TrackedClient[] | null | Error)[]) {
	let asked = 0;
	const connections = new Connections("a", [{ name: "web", powers: {}, rules }], {
		trackedClients: async () => {
			const answer = answers[Math.min(asked++, answers.length - 1)] as TrackedClient[] | null | Error;
			if (answer instanceof Error) throw answer;
			return answer;
		},
	});
	connections.hear(view("a"));
	const now = view("b");
	connections.hear(now);
	const held = (): number[] => {
		const [group] = connections.shares(now, ["web"]);
		return (group?.holders ?? []).flatMap((holders, at) => (holders.has("a") ? [at] : []));
	};
	return { connections, now, held, asked: () => asked };
}

test("only buckets with connections stay, and other nodes' part stays as it is", async (t) => {
	const { connections, now, held } = moved([[{ addr: here, port: 4000 }]]);
	t.is(held().length, 256);
	t.true(await connections.look(now, ["10.9.0.50"], 10_000));
	t.deepEqual(held(), [bucket]);
	t.true(connections.shares(now, ["web"])[0]?.holders.every((holders) => holders.has("b")));
});

test("what is not known stays: too many connections, a kernel that does not answer, a newer view", async (t) => {
	const many = moved([null]);
	t.false(await many.connections.look(many.now, [], 10_000));
	t.is(many.held().length, 256);
	const silent = moved([new Error("errno 1")]);
	await t.throwsAsync(silent.connections.look(silent.now, [], 10_000), { message: "errno 1" });
	t.is(silent.held().length, 256);
	const overtaken = moved([[]]);
	const look = overtaken.connections.look(overtaken.now, [], 10_000);
	const back = view("a");
	overtaken.connections.hear(back);
	t.false(await look);
	t.false(await overtaken.connections.look(overtaken.now, [], 20_000), "the filter may have the newer one already");
	t.is(overtaken.held().length, 256);
});

test("the kernel is asked less and less often, and not at all without need", async (t) => {
	const { connections, now, asked } = moved([[{ addr: here, port: 4000 }], [{ addr: here, port: 4000 }], []]);
	for (let ms = 2000; ms <= 30_000; ms += 500) await connections.look(now, [], ms);
	t.is(asked(), 3, "at 2, 6 and 14 seconds");
	connections.hear(view("b"));
	t.false(await connections.look(now, [], 40_000));
	t.is(asked(), 3);
});

test("a view is a new one whatever its version is: the clock may have been put back", async (t) => {
	const { connections, now, held } = moved([[]]);
	t.true(await connections.look(now, [], 10_000));
	t.is(held().length, 0);
	const later = { ...view("a"), version: now.version - 1 };
	connections.hear(later);
	const back = { ...view("b"), version: now.version - 2 };
	connections.hear(back);
	t.is(held().length, 256, "this node had them meanwhile");
	t.true(await connections.look(back, [], 20_000));
	connections.hear(back);
	t.is(held().length, 0, "the same once more");
});
