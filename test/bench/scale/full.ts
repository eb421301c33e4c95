/** The first copy of everything, against the slower of disk and link. */
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { dropCaches, run, syncDisk } from "../machine.ts";
import type { Bench, RowKind, Sample, Scenario, SubjectName } from "../measure.ts";
import { makeLarge, makeSmall } from "./data.ts";
import { withServers } from "./servers.ts";

const subjects: SubjectName[] = ["native", "replicated-second", "replicated-second-sealed"];
const large = {
	full: { files: 16, mb: 128 },
	quick: { files: 4, mb: 64 },
};
const small = { full: 20_000, quick: 2000 };
const smallBytes = 8192;
const linkBytes = { full: 2 * 2 ** 30, quick: 256 * 2 ** 20 };

/** One copy of a tree: `limit` on the disk itself, or from one server to another. Returns milliseconds. */
async function copy(
	bench: Bench,
	subject: SubjectName,
	fill: (folder: string) => Promise<void> | void,
): Promise<number> {
	if (subject !== "native") {
		return withServers(bench, subject, fill, async (servers) => {
			await Promise.all([servers.a.open(), servers.b.open()]);
			return (await servers.join(servers.a, servers.b, "NEW", true)).ms;
		});
	}
	const [from, to] = [join(bench.scratch, "copy-from"), join(bench.scratch, "copy-to")];
	try {
		mkdirSync(from);
		await fill(from);
		await syncDisk(bench.signal, bench.scratch);
		dropCaches();
		const started = performance.now();
		await run(bench.signal, "cp", ["-a", "--reflink=never", from, to]);
		await syncDisk(bench.signal, to);
		return performance.now() - started;
	} finally {
		for (const folder of [from, to]) rmSync(folder, { recursive: true, force: true });
	}
}

/** What a plain TCP connection over loopback carries, in MB/s. */
async function linkSpeed(total: number): Promise<number> {
	const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
	await once(server, "listening");
	const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
	await once(socket, "connect");
	const block = Buffer.alloc(1 << 20);
	const started = performance.now();
	for (let sent = 0; sent < total; sent += block.length) {
		if (!socket.write(block)) await once(socket, "drain");
	}
	socket.end();
	await once(socket, "close");
	const ms = performance.now() - started;
	server.close();
	return total / 1e3 / ms;
}

const size = <T>(bench: Bench, { full, quick }: { full: T; quick: T }): T => (bench.quick ? quick : full);

async function repeated(bench: Bench, once: () => Promise<Sample>): Promise<Sample[]> {
	const samples: Sample[] = [];
	for (let n = 0; n < (bench.quick ? 1 : 3); n++) samples.push(await once());
	return samples;
}

const fullRow: RowKind = {
	row: "resync-full",
	title: "first copy of large files (native: the slower of cp and link)",
	unit: "MB/s",
};
const smallRow: RowKind = {
	row: "resync-full-small",
	title: "first copy of files of 8 KiB (native: cp -a)",
	unit: "files/s",
};

export const fullScenarios: Scenario[] = [
	{
		rows: [fullRow],
		subjects,
		async run(bench, subject) {
			const { files, mb } = size(bench, large);
			const bytes = files * mb * 2 ** 20;
			const samples = await repeated(bench, async () => {
				const disk = bytes / 1e3 / (await copy(bench, subject, (folder) => makeLarge(folder, files, mb)));
				if (subject !== "native") return { value: disk };
				const link = await linkSpeed(size(bench, linkBytes));
				bench.say(`cp -a and sync: ${disk.toFixed(0)} MB/s, TCP over loopback: ${link.toFixed(0)} MB/s`);
				return { value: Math.min(disk, link) };
			});
			return { [fullRow.row]: samples };
		},
	},
	{
		rows: [smallRow],
		subjects,
		async run(bench, subject) {
			const count = size(bench, small);
			const samples = await repeated(bench, async () => {
				const ms = await copy(bench, subject, (folder) => makeSmall(bench, folder, count, smallBytes));
				return { value: (count / ms) * 1e3 };
			});
			return { [smallRow.row]: samples };
		},
	},
];
