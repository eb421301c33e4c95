/** The daemon from the moment on at which its heartbeats beat: logs, services, modules, control socket, its end. */
import { rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import pino from "pino";
import type { WebService } from "../api/service.ts";
import { RotatingFile } from "../log/rotating.ts";
import type { Paths } from "../module/paths.ts";
import { platform } from "../platform/index.ts";
import { Daemon } from "./daemon.ts";
import type { HeartLink } from "./heart.ts";
import { Notifier } from "./notify.ts";
import { listenForCommands } from "./server.ts";
import { replaceFile } from "./stored.ts";
import { wire } from "./wire.ts";
import type { Report } from "./world.ts";

/** Runs until SIGTERM or SIGINT. Returns where to report what concerns the maker of the product. */
export async function run({
	paths,
	heart,
	incarnation,
}: {
	paths: Paths;
	heart: HeartLink;
	incarnation: string;
}): Promise<Report> {
	const log = pino({ base: { pid: process.pid } }, new RotatingFile(join(paths.safevar, "log/safeadmin.log")));
	const report: Report = (message, error) => {
		if (error === undefined) log.warn(message);
		else log.error({ err: error }, message);
	};
	const datagrams = platform().datagrams();
	const notifier = new Notifier(datagrams, process.env);
	dieLoudly(report);
	const pidFile = join(paths.run, "daemon.pid");
	notePid(pidFile, report);
	const world = await wire({ paths, heart, incarnation, datagrams, report });
	const daemon = new Daemon(world);
	await daemon.start();
	const server = await listenForCommands(paths.socket, daemon);
	log.info({ safe: paths.safe, safevar: paths.safevar, node: await daemon.nodeName() }, "ready");
	let web: WebService | null = null;
	const stop = async (signal: string): Promise<void> => {
		notifier.stopping();
		log.info({ signal }, "the daemon ends, modules run on");
		server.close();
		web?.close();
		daemon.stop();
		await heart.close();
		for (const file of [paths.socket, pidFile]) rmSync(file, { force: true });
		process.exit(0);
	};
	for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void stop(signal));
	process.on("SIGHUP", () => {});
	notifier.ready();
	web = await startWeb(paths, daemon, report);
	return report;
}

/** Only `unsetup` reads it: a full disk must not keep the daemon from starting. */
function notePid(file: string, report: Report): void {
	try {
		replaceFile(file, `${process.pid}\n`, false);
	} catch (error) {
		report(`${file} could not be written`, error);
		// The pid of an earlier daemon may be anybody's by now.
		for (const old of [file, `${file}.new`]) rmSync(old, { force: true });
	}
}

/** Loaded last: nothing that a module needs waits for it, nor for its failure. */
async function startWeb(paths: Paths, daemon: Daemon, report: Report): Promise<WebService | null> {
	try {
		const [{ WebService }, { webSettings }, { commandServer }] = await Promise.all([
			import("../api/service.ts"),
			import("../api/settings.ts"),
			import("./commands.ts"),
		]);
		const commands = commandServer(paths, daemon, report);
		const takeTls = (socket: Socket): void => commands.accept(socket);
		return new WebService({ settings: webSettings(paths.safe), node: daemon, report, takeTls });
	} catch (error) {
		report("there is no web service", error);
		return null;
	}
}

/** What nobody caught leaves an unknown state: better a new process, which takes up what is stored. */
function dieLoudly(report: Report): void {
	const die = (error: unknown): void => {
		report("the daemon ends at an error that nobody caught", error);
		process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
		process.exit(70);
	};
	process.on("uncaughtException", die);
	process.on("unhandledRejection", die);
}
