/**
 * A disk that fails and is repaired: the other server goes on with everything, what fails says so and stops, and after
 * the repair both hold the same, on the disks and not only in memory.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { hasLoop, loopReason, quietly } from "../disks.ts";
import { makeTestFolder } from "../folder.ts";
import { VolatileDisk } from "../lab/power/volatileDisk.ts";
import { compareTrees } from "../replication/treeCompare.ts";
import { Random } from "../simulation/random.ts";
import { dataPair } from "./dataPair.ts";
import type { Server } from "./server.ts";

const declare = hasLoop ? test.serial : test.serial.skip;
const diskMegabytes = 120;
const files = 20;
const fileBytes = 200_000;
const stateOf = (server: Server) => JSON.parse(server.ok("state", "-m", "m", "--json")).modules[0];

/** Waiting for a person; stopped where not even its records can be read. */
const hasStopped = (server: Server) =>
	["WAIT", "STOP"].includes(stateOf(server).state) && stateOf(server).status === "NotReady";

async function eventually(what: string, succeeds: () => boolean): Promise<void> {
	const until = performance.now() + 90_000;
	while (!succeeds()) {
		if (performance.now() > until) throw new Error(`${what} does not succeed`);
		await sleep(100);
	}
}

/** A mount of the disk of one of two servers, and what becomes of it. */
class Patient {
	readonly disk: VolatileDisk;
	readonly #mount: string;
	#device = "";

	constructor(disk: VolatileDisk, mount: string) {
		this.disk = disk;
		this.#mount = mount;
	}

	use(device: string): void {
		this.#device = device;
		execFileSync("mount", ["-o", "nodiscard", device, this.#mount]);
	}

	/** As a person does: unmounted, another disk or cable, checked, mounted. What is not on the medium is gone. */
	async repair(): Promise<void> {
		// What was killed a moment ago may still let go of it.
		await eventually("umount", () => quietly("umount", this.#mount));
		await this.disk.heal();
		// Another test's mount namespace may hold a copy of the mount for as long as it lives. 1: errors were corrected.
		await eventually("fsck", () => (spawnSync("fsck.ext4", ["-fy", this.#device]).status ?? 8) <= 1);
		execFileSync("mount", ["-o", "nodiscard", this.#device, this.#mount]);
	}
}

/** n1 is the primary. The disk of the server named `failing` is one that can fail. */
async function pairWith(t: ExecutionContext, failing: "n1" | "n2") {
	const folder = makeTestFolder("disk");
	const disk = await VolatileDisk.make(folder, diskMegabytes);
	const device = await disk.powerOn();
	t.teardown(async () => {
		await disk.powerOff();
		execFileSync("rm", ["-rf", folder]);
	});
	let patient: Patient | null = null;
	const { n1, n2, dirs } = await dataPair(t, "", 3000, (server, dir) => {
		if (server.name !== failing) return;
		patient = new Patient(disk, dirname(dir));
		t.teardown(() => void quietly("umount", "-l", dirname(dir)));
		patient.use(device);
	});
	n1.ok("prim", "-m", "m");
	n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
	n2.ok("second", "-m", "m");
	n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
	return { n1, n2, dirs, patient: patient as unknown as Patient };
}

/** Overwrites, creates and syncs until something fails or the time is over; the content that was acknowledged last. */
class Work {
	readonly #random = new Random(1);
	/** By name: null when the last write was not acknowledged. */
	readonly content = new Map<string, Buffer | null>();
	failed: NodeJS.ErrnoException | null = null;

	async run(dir: string, ms: number): Promise<void> {
		const until = performance.now() + ms;
		for (let n = 0; performance.now() < until && this.failed === null; n++) {
			const name = `file${this.#random.between(0, files - 1)}`;
			const content = Buffer.alloc(this.#random.between(1, fileBytes), `${name} ${n} `);
			this.content.set(name, null);
			try {
				this.#write(join(dir, name), content);
				this.content.set(name, content);
			} catch (error) {
				this.failed = error as NodeJS.ErrnoException;
			}
			await sleep(5);
		}
	}

	/** Names whose content is not what was acknowledged. */
	wrong(dir: string): string[] {
		return [...this.content]
			.filter(([name, c]) => c !== null && !readFileSync(join(dir, name)).equals(c))
			.map(([n]) => n);
	}

	#write(path: string, content: Buffer): void {
		const fd = openSync(path, "w");
		try {
			writeSync(fd, content);
			if (this.#random.chance(0.3)) fsyncSync(fd);
		} finally {
			closeSync(fd);
		}
	}
}

function stop(server: Server): void {
	// It may have stopped by itself.
	server.run("stop", "-m", "m");
	server.ok("waitstop", "-m", "m", "--timeout", "60");
}

/** Both stopped; what `patient` holds is read from its disk. */
async function onDisk(n1: Server, n2: Server, dirs: [string, string], patient: Patient): Promise<string[]> {
	for (const server of [n2, n1]) {
		stop(server);
	}
	await patient.repair();
	return compareTrees(dirs[0], dirs[1]);
}

/** @param percent of the calls that fail, from a moment on. */
export function declareFailingDisks(percent: number): void {
	const how = percent === 100 ? "everything fails from a moment on" : "some calls fail";

	declare(
		`the secondary's disk, ${how}: nobody notices, and after the repair nothing differs${loopReason}`,
		async (t) => {
			const { n1, n2, dirs, patient } = await pairWith(t, "n2");
			const work = new Work();
			await work.run(dirs[0], 2000);
			await patient.disk.fail(percent, 1);
			await work.run(dirs[0], 8000);
			n1.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
			t.is(work.failed, null, "the application notices nothing");
			await n2.until(() => hasStopped(n2));
			t.regex(stateOf(n2).why, /(EIO|EROFS).*(repair it|Mend the cause)/s);
			t.regex(n2.log("m"), /\| E \| .*(EIO|EROFS)/);
			t.regex(n1.log("m"), /\| E \| The other server cannot apply a change/);
			stop(n2);
			await patient.repair();
			n2.ok("start", "-m", "m");
			n2.ok("waitstate", "-m", "m", "SECOND", "--timeout", "120");
			n1.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
			await work.run(dirs[0], 1000);
			t.deepEqual(await onDisk(n1, n2, dirs, patient), []);
		},
	);

	declare(
		`the primary's disk, ${how}: the other one takes over with everything, and after the repair nothing differs${loopReason}`,
		async (t) => {
			const { n1, n2, dirs, patient } = await pairWith(t, "n1");
			const work = new Work();
			await work.run(dirs[0], 2000);
			await patient.disk.fail(percent, 1);
			await work.run(dirs[0], 60_000);
			t.regex(work.failed?.code ?? "nothing failed", /EIO|EROFS/);
			n2.ok("waitstate", "-m", "m", "ALONE", "--timeout", "60");
			t.deepEqual(work.wrong(dirs[1]), []);
			await n1.until(() => hasStopped(n1));
			t.regex(stateOf(n1).why, /disk under the replicated directories failed: repair it|(EIO|EROFS).*Mend the cause/);
			t.regex(n1.log("m"), /\| E \| The disk under the replicated directories fails/);
			writeFileSync(join(dirs[1], "later"), "the other one goes on");
			stop(n1);
			await patient.repair();
			n1.ok("start", "-m", "m");
			n1.ok("waitstate", "-m", "m", "SECOND", "--timeout", "120");
			n2.ok("waitstate", "-m", "m", "PRIM", "--timeout", "60");
			t.deepEqual(work.wrong(dirs[1]), []);
			t.deepEqual(await onDisk(n1, n2, dirs, patient), []);
		},
	);
}
