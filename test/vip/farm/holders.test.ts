import test from "ava";
import type { FarmView } from "../../../core/engine/farm/group.ts";
import { bucketOf } from "../../../core/vip/farm/hash.ts";
import { nothingYet, remember, sharesOf } from "../../../core/vip/farm/holders.ts";
import { answeredBy, sharesQuestions } from "../../../core/vip/farm/questions.ts";

let version = 0;

/** The first bucket belongs to `first`, all others to `rest`. */
function view(members: string[], first: string | null, rest: string | null, serving: string[] = []): FarmView {
	const owners = Array.from({ length: 256 }, (_, bucket) => (bucket === 0 ? first : rest));
	return { version: ++version, members, serving, groups: [{ name: "web", owners }], settled: true };
}

function after(views: FarmView[], node: string) {
	const memory = views.reduce(remember, nothingYet);
	const [group] = sharesOf(memory, views.at(-1) as FarmView, ["web"], node);
	return { holders: [...(group?.holders[0] ?? [])].sort(), lost: group?.lost };
}

test("connections may be on every member that has had their bucket", (t) => {
	const moved = [view(["a", "b"], "b", "a"), view(["a", "b"], null, "a"), view(["a", "b"], "a", "a")];
	t.deepEqual(after(moved, "a"), { holders: ["a", "b"], lost: [] });
});

test("a server that leaves in order has no connections left, and nobody resets them", (t) => {
	const left = [view(["a", "b"], "b", "a"), view(["a", "b"], "a", "a"), view(["a"], "a", "a")];
	t.deepEqual(after(left, "a"), { holders: ["a"], lost: [] });
});

test("connections of a server that is lost are known by nobody: its clients are told", (t) => {
	const lost = [view(["a", "b"], "b", "a"), view(["a"], "a", "a")];
	t.deepEqual(after(lost, "a"), { holders: ["a"], lost: [0] });
	const between = [view(["a", "b"], "b", "a"), view(["a"], null, "a"), view(["a"], "a", "a")];
	t.deepEqual(after(between, "a"), { holders: ["a"], lost: [0] });
	t.deepEqual(after([...lost, view(["a", "b"], "a", "a")], "a").lost, [], "it is back");
	const third = [view(["a", "b", "c"], "c", "a"), view(["a", "b", "c"], "b", "a"), view(["a", "c"], "a", "a")];
	t.deepEqual(after(third, "a"), { holders: ["a", "c"], lost: [] }, "the third may have them");
	t.deepEqual(after(lost, "b").lost, [], "it is not this node's");
});

test("whoever is in the group and serves when this node comes may have connections of everybody", (t) => {
	const came = view(["a", "b", "c"], "b", "c", ["b", "c"]);
	t.deepEqual(after([came], "a").holders, ["b", "c"]);
	t.deepEqual(after([came, view(["a", "b", "c"], "a", "c", ["a", "b", "c"])], "a").holders, ["a", "b", "c"]);
	t.deepEqual(after([came, view(["a", "c"], "a", "c", ["a", "c"])], "a"), { holders: ["a", "c"], lost: [] });
	const resumed = view(["a", "b"], "b", "a", ["a", "b"]);
	t.deepEqual(after([resumed], "a").holders, ["a", "b"], "this node too, before its daemon was started again");
});

test("a member that appears has connections only if it serves already: its part of the network was cut off", (t) => {
	const alone = view(["a"], "a", "a", ["a"]);
	t.deepEqual(after([alone, view(["a", "b"], "a", "a", ["a"])], "a").holders, ["a"]);
	t.deepEqual(after([alone, view(["a", "b"], "a", "a", ["a", "b"])], "a").holders, ["a", "b"]);
});

test("the first member that answers clients tells where the address is", (t) => {
	t.is(answeredBy(view(["a", "b"], "b", "b")), "b");
	t.is(answeredBy(view(["a", "b"], "b", "a")), "a");
	t.is(answeredBy(view(["a", "b"], null, null)), null);
	const rule = { virtualAddr: "10.9.0.1", port: null, proto: "arp", filter: "on_addr" } as const;
	const groups = [{ name: "web", powers: {}, rules: [rule] }];
	t.deepEqual(
		["10.9.0.1", "10.9.0.2"].map((addr) => sharesQuestions(groups, addr)),
		[true, false],
	);
});

test("the bucket of a client is the kernel's", (t) => {
	// Read off `nft list set` after `meta mark set jhash … mod 256 seed 0x5afe update @set { ip saddr . meta mark }`.
	t.is(bucketOf("on_addr", "10.9.0.9", 0), 0x37);
	t.is(bucketOf("on_addr", "10.9.0.77", 0), 0x7c);
	t.is(bucketOf("on_port", "10.9.0.9", 4444), 0xc7);
	t.is(bucketOf("on_addr", "fd09::9", 0), 0x6e);
	t.is(bucketOf("on_port", "fd09::1:2:3", 4444), 0xaf);
	t.is(bucketOf("on_ipid", "10.9.0.9", 4444), null);
});
