/** Both copies are compared while the application goes on: what differs is found, and nothing else; the next session repairs it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../core/platform/linux/libc.ts";
import { at, open } from "../../core/replication/errno.ts";
import { Churn } from "./churn.ts";
import { Pair } from "./pair.ts";

test.serial("no difference is found under load; one that is made underneath is found, and repaired", async (t) => {
	const pair = await Pair.make(t);
	const { a, b } = pair;
	// Reaches what is underneath the secondary's mount.
	const underneath = system.openat(at.FDCWD, b.dir, open.RDONLY | system.flags.DIRECTORY);
	t.teardown(() => void system.close(underneath));
	await pair.up();
	mkdirSync(join(a.dir, "kept"));
	writeFileSync(join(a.dir, "kept", "changed"), Buffer.alloc(3_000_000, "a"));
	writeFileSync(join(a.dir, "kept", "missing"), "missing");
	const churn = new Churn(a.dir, 7);
	await churn.run(400);
	const running = churn.run();
	for (let n = 0; n < 3; n++) {
		const found = await a.ask({ order: "verify" }, "verified");
		t.deepEqual(found.differences, []);
		t.true(found.files > 0 && found.bytes >= 3_000_000, JSON.stringify(found));
	}
	churn.stop();
	await running;
	writeFileSync(`/proc/self/fd/${underneath}/kept/changed`, Buffer.alloc(1, "b"), { flag: "r+" });
	rmSync(`/proc/self/fd/${underneath}/kept/missing`);
	const found = await a.ask({ order: "verify" }, "verified");
	const kept = join(a.dir, "kept");
	t.deepEqual(found.differences, [kept, join(kept, "changed"), join(kept, "missing")]);
	await b.kill();
	await a.until("peerLost");
	await t.throwsAsync(a.ask({ order: "verify" }, "verified"), { message: /complete session/ });
	await a.ask({ order: "sync" }, "synchronised");
	pair.term += 10;
	await a.ask({ order: "goAlone", term: pair.term }, "alone");
	await b.open();
	await pair.join(a, b, "PEER_BEHIND");
	await a.ask({ order: "seal" }, "sealed");
	for (const node of [b, a]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
});
