/** Makes, looks at, removes or changes files, one after the other, and prints how long it took. Arguments: what, folder, count, bytes, seconds. */
import { closeSync, mkdirSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

const [what, folder, countText, bytesText, secondsText] = process.argv.slice(2) as [string, ...string[]];
const content = Buffer.alloc(Number(bytesText), "x");
/** Files of a folder: more would measure how ext4 looks names up. */
const perFolder = 1000;

const name = (n: number): string => join(folder!, `d${Math.floor(n / perFolder)}`, `file-${n}`);

const actions: Record<string, (n: number) => void> = {
	create(n) {
		if (n % perFolder === 0) mkdirSync(join(name(n), ".."), { recursive: true });
		const fd = openSync(name(n), "wx");
		if (content.length > 0) writeSync(fd, content);
		closeSync(fd);
	},
	stat: (n) => statSync(name(n)),
	unlink: (n) => unlinkSync(name(n)),
	/** One in a hundred. */
	change(n) {
		const fd = openSync(name(n * 100), "r+");
		writeSync(fd, Buffer.from(`changed ${performance.now()}`));
		closeSync(fd);
	},
};

const action = actions[what]!;
const latencies: number[] = [];
const started = performance.now();
const until = started + Number(secondsText) * 1000;
let before = started;
for (let n = 0; n < Number(countText) && before < until; n++) {
	action(n);
	const now = performance.now();
	latencies.push(now - before);
	before = now;
}
const seconds = (before - started) / 1000;
latencies.sort((a, b) => a - b);
const at = (share: number): number => (latencies[Math.floor((latencies.length - 1) * share)] ?? 0) * 1000;
process.stdout.write(
	`${JSON.stringify({ count: latencies.length, value: latencies.length / seconds, p50Us: at(0.5), p99Us: at(0.99) })}\n`,
);
