/** A resync while the application changes the tree: equal afterwards, by full comparison (invariant 6). */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Churn } from "./churn.ts";
import { Pair } from "./pair.ts";

for (const seed of [1, 2, 3]) {
	test.serial(`a churning tree and a copy that starts in the middle are equal in the end (seed ${seed})`, async (t) => {
		const pair = await Pair.make(t);
		const { a, b } = pair;
		await Promise.all([a.open(), b.open()]);
		await a.ask({ order: "serve", term: 5, alone: true }, "serving");
		const churn = new Churn(a.dir, seed);
		await churn.run(600);
		const running = churn.run();
		// The copy is interrupted and begins again.
		await pair.session(a, b, "NEW");
		await new Promise((resolve) => setTimeout(resolve, 30));
		pair.proxy.cut();
		await new Promise((resolve) => setTimeout(resolve, 100));
		pair.proxy.mend();
		await a.ask({ order: "serve", term: pair.term, alone: false }, "serving");
		await a.until("synced");
		await b.until("synced");
		const during = churn.done;
		await new Promise((resolve) => setTimeout(resolve, 500));
		churn.stop();
		await running;
		t.log(`${during} changes before the end of the copy, ${churn.done} in all, ${await churn.count()} entries`);
		// A second session finds a target that is nearly equal, and a tree that moved on without it.
		await b.kill();
		await a.until("peerLost");
		await a.ask({ order: "sync" }, "synchronised");
		pair.term += 10;
		await a.ask({ order: "goAlone", term: pair.term }, "alone");
		const again = new Churn(a.dir, seed + 100);
		await again.run(300);
		const second = again.run();
		await b.open();
		await pair.join(a, b, "PEER_BEHIND");
		again.stop();
		await second;
		await a.ask({ order: "seal" }, "sealed");
		await b.ask({ order: "close" }, "closed");
		await a.ask({ order: "close" }, "closed");
		t.deepEqual(pair.differences(), []);
		for (const node of [a, b]) {
			for (const folder of ["open", "limbo"]) t.deepEqual(readdirSync(join(node.dir, ".opensafe", folder)), [], folder);
			t.false(existsSync(node.config.socket));
		}
	});
}
