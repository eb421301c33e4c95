/** A farm's module on its node: when it takes part, when a step of a plan has waited long enough, what is told. */
import test, { type ExecutionContext } from "ava";
import type { MainState } from "../../../core/engine/contract.ts";
import { buckets, type FarmModule, type FarmView, type FarmWish } from "../../../core/engine/farm/group.ts";
import type { FromHeart } from "../../../core/heartbeat/service.ts";
import { FarmPlace } from "../../../core/node/farm/place.ts";
import { ManualClock } from "../manualClock.ts";

const farm: FarmModule = {
	module: "web",
	id: 1,
	port: 4803,
	node: "n1",
	nodes: ["n1", "n2"],
	pulseMs: 100,
	leaderLost: 20,
	virtual: [],
	followerLost: 10,
	lans: [],
	groups: [{ name: "G", powers: {} }],
	key: "",
};

/** `own` of the 256 buckets are this node's, the others the other one's. */
function view(version: number, own: number, settled = true, members = ["n1", "n2"]): FarmView {
	const others = members.includes("n2") ? "n2" : null;
	const owners = Array.from({ length: buckets }, (_, at) => (at < own ? "n1" : others));
	return { version, members, serving: members, settled, groups: [{ name: "G", owners }] };
}

interface World {
	place: FarmPlace;
	clock: ManualClock;
	/** Everything that was asked of the heartbeat thread and of the addresses, in order. */
	done: string[];
	/** Versions of the views that the addresses have heard of; null: the group was left. */
	heard: (number | null)[];
	logged: string[];
	resources: Map<string, string>;
	say(view: FarmView): Promise<void>;
	/** The next changes of the filter and of the addresses fail with this. */
	broken: string | null;
	main: MainState;
}

function world(_t: ExecutionContext, earlier: FarmWish | null = null, scriptControl = false): World {
	const clock = new ManualClock();
	const done: string[] = [];
	const heard: (number | null)[] = [];
	const logged: string[] = [];
	const resources = new Map<string, string>();
	let listener: ((message: FromHeart) => void) | null = null;
	const self: World = {
		clock,
		heard,
		done,
		logged,
		resources,
		broken: null,
		main: "UP",
		say: async (view) => {
			listener?.({ is: "farm", module: "web", view });
			await new Promise((resolve) => setImmediate(resolve));
		},
		place: new FarmPlace({
			farm,
			successor: null,
			scriptControl,
			rules: new Map([["G", 2]]),
			addresses: {
				set: async () => void done.push("set"),
				unset: async () => void done.push("unset"),
				hear: (view) => void heard.push(view?.version ?? null),
				resume: async () => {
					if (self.broken !== null) throw new Error(self.broken);
					done.push("resume");
				},
				close: () => void done.push("close"),
				share: async ({ version }) => {
					if (self.broken !== null) throw new Error(self.broken);
					done.push(`share ${version}`);
				},
			},
			heart: {
				farm: (_, { open }) => void done.push(`farm [${open}]`),
				succeed: ({ nodes }) => void done.push(`succeed ${nodes}`),
				wish: (_, { open }) => void done.push(`wish [${open}]`),
				wishOf: () => earlier,
				applied: (_, version) => void done.push(`applied ${version}`),
				listen: (_, heard) => {
					listener = heard;
				},
				stop: () => void done.push("stop"),
			},
			clock,
			main: () => self.main,
			ready: () => self.main === "UP",
			log: (level, text) => void logged.push(`${level} ${text}`),
			setResource: (name, value) => void resources.set(name, value),
			changed: () => {},
			hear: () => {},
		}),
	};
	return self;
}

/** Whether a promise is fulfilled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
	const late = new Promise((resolve) => setImmediate(() => resolve("late")));
	return (await Promise.race([promise.then(() => "done"), late])) === "done";
}

test("it is in the group while it is not stopped, and confirms what its filter obeys", async (t) => {
	const self = world(t);
	const { place, done, say, resources } = self;
	self.main = "STOP";
	place.announce("STOP");
	await place.connect(false);
	t.deepEqual(done.splice(0), ["stop", "unset"]);
	t.is(resources.get("G_1"), "0%");
	place.announce("WAIT");
	t.deepEqual(done.splice(0), ["farm []"]);
	await place.set(true);
	await say(view(1, 0));
	t.deepEqual(done.splice(0), ["set", "share 1", "applied 1"]);
	await place.set(false);
	place.announce("STOP");
	t.is(done.at(-1), "stop");
	t.deepEqual(self.heard, [1, null]);
	t.is(place.view, null);
});

test("a start has its share when the group has settled with it", async (t) => {
	const { place, done, say, resources, logged } = world(t);
	place.announce("WAIT");
	await place.connect(false);
	await place.set(true);
	await say(view(1, 0));
	const opened = place.traffic(true);
	t.is(done.at(-1), "wish [G]");
	await say(view(2, 64, false));
	t.false(await isDone(opened));
	t.is(resources.get("G_0"), "0%", "what is on its way is not told");
	await say(view(3, 128));
	t.true(await isDone(opened));
	t.deepEqual(
		[...resources],
		[
			["G_0", "50%"],
			["G_1", "50%"],
		],
	);
	t.deepEqual(logged.slice(-2), ["I farm load: 128/256 (group G_0)", "I farm load: 128/256 (group G_1)"]);
	t.true(logged.includes("I farm membership: n1 n2 (group G_0)"));
	const again = place.traffic(true);
	t.true(await isDone(again), "a step that is done again has nothing to wait for");
});

test("a stop waits until the others have what it gave away, and no longer than two seconds", async (t) => {
	const { place, clock, say, logged } = world(t);
	place.announce("WAIT");
	await place.connect(false);
	const opened = place.traffic(true);
	await say(view(1, 128));
	t.true(await isDone(opened));
	const closed = place.traffic(false);
	await say(view(2, 0, false));
	t.false(await isDone(closed), "released, and not yet taken");
	await say(view(3, 0));
	t.true(await isDone(closed));
	void place.traffic(true);
	await say(view(4, 128));
	const late = place.traffic(false);
	clock.pass(1999);
	t.false(await isDone(late));
	clock.pass(2);
	t.true(await isDone(late));
	t.regex(logged.at(-1) ?? "", /^W The group of the farm has not settled in time/);
});

test("who never was in a group gives nothing away", async (t) => {
	const self = world(t);
	const { place } = self;
	self.main = "STOP";
	await place.connect(false);
	t.true(await isDone(place.traffic(false)));
});

test("a restarted daemon goes on with what the earlier one wanted", async (t) => {
	const { place, done, say } = world(t, { open: ["G"] });
	await place.connect(true);
	t.deepEqual(done.splice(0), ["farm [G]", "resume"]);
	await say(view(9, 128));
	t.deepEqual(done.splice(0), ["share 9", "applied 9"]);
	place.disconnect();
	t.deepEqual(done, ["close"], "the module runs on");
});

test("a restarted daemon that cannot have its addresses again leaves its clients to the others", async (t) => {
	const self = world(t, { open: ["G"] });
	self.broken = "no such interface";
	await t.throwsAsync(self.place.connect(true), { message: "no such interface" });
	t.deepEqual(self.done, ["farm [G]", "wish []"]);
});

test("what an earlier daemon wanted, and could not note, is what the state says", async (t) => {
	const self = world(t);
	await self.place.connect(true);
	t.deepEqual(self.done, ["farm [G]", "resume"]);
	const controlled = world(t, null, true);
	await controlled.place.connect(true);
	t.is(controlled.done[0], "farm []", "only its scripts know");
});

test("a filter that cannot be written is not confirmed, and written again", async (t) => {
	const self = world(t);
	const { place, clock, done, say, logged } = self;
	place.announce("WAIT");
	await place.connect(false);
	self.broken = "no room";
	await say(view(1, 0));
	t.false(done.includes("applied 1"));
	t.regex(logged.at(-1) ?? "", /^E .*no room/);
	clock.pass(501);
	await isDone(Promise.resolve());
	t.is(logged.filter((line) => line.startsWith("E")).length, 1, "the same trouble is told once");
	self.broken = null;
	clock.pass(501);
	await isDone(new Promise(() => {}));
	t.deepEqual(done.slice(-2), ["share 1", "applied 1"]);
});

test("scripts that control the traffic open it; a stop closes it without them", async (t) => {
	const self = world(t, null, true);
	const { place, done, say } = self;
	place.announce("UP");
	await place.connect(false);
	await place.traffic(true);
	t.false(done.includes("wish [G]"));
	const opened = place.script(true);
	t.is(done.at(-1), "wish [G]");
	await say(view(1, 256, true, ["n1"]));
	t.true(await isDone(opened));
	void place.traffic(false);
	t.is(done.at(-1), "wish []");
	self.main = "WAIT";
	await t.throwsAsync(place.script(true), { message: /is WAIT, not UP/ });
	await t.throwsAsync(world(t).place.script(true), { message: /follows its state/ });
});
