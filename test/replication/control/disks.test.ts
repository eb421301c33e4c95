/** What the kernel says once is not lost: neither because nobody waits any more, nor because two ask at the same time. */
import test from "ava";
import { Disks } from "../../../core/replication/control/disks.ts";
import type { Tree } from "../../../core/replication/local/tree.ts";

const eio = -5;

/** Two file systems, and syncs that end when the test says so. */
function disks() {
	let failures = 0;
	const running: ((result: number) => void)[] = [];
	const trees = [{ rootFd: 1 }, { rootFd: 2 }] as Tree[];
	return {
		made: new Disks(trees, { run: (_, done) => void running.push(done) }, () => failures++),
		failures: () => failures,
		end: (result: number) => running.shift()!(result),
		running: () => running.length,
	};
}

test("an error is remembered although who asked does not look at it", (t) => {
	const { made, end, failures } = disks();
	made.sync(() => {});
	end(eio);
	end(0);
	t.is(failures(), 1, "the records are told, nobody else has to ask");
	let told = 1;
	made.sync(() => {
		told = made.failure();
	});
	end(0);
	end(0);
	t.is(told, eio);
	t.is(made.failure(made.failures), 0, "none since then");
	made.madeGood(made.failures);
	t.is(made.failure(), 0);
});

test("one sync runs at a time; who asks meanwhile gets the next one, all of them the same", (t) => {
	const { made, end, running } = disks();
	const told: string[] = [];
	made.sync(() => told.push("a"));
	made.sync(() => told.push(`b ${made.failure()}`));
	made.sync(() => told.push(`c ${made.failure()}`));
	t.is(running(), 2);
	end(0);
	t.deepEqual(told, []);
	end(0);
	t.deepEqual(told, ["a"]);
	t.is(running(), 2);
	end(0);
	end(eio);
	t.deepEqual(told, ["a", "b -5", "c -5"]);
	t.is(running(), 0);
});

test("who is told may ask again", (t) => {
	const { made, end, running } = disks();
	let again = false;
	made.sync(() =>
		made.sync(() => {
			again = true;
		}),
	);
	end(0);
	end(0);
	t.is(running(), 2);
	end(0);
	end(0);
	t.true(again);
});
