/** `npm run demo`: a real mirror of two servers on this machine, watched through a failure and back. */
import { parseArgs } from "node:util";
import { asSafekitError, SafekitError } from "../../core/errors.ts";
import { errorAsJson, errorAsText } from "../../core/log/errorTexts.ts";
import { Ending } from "../lab/ending.ts";
import type { Pair, StateLine } from "../lab/pair.ts";
import { describeMissing, ensureDebianPackages, labPackages, missingForLab } from "../lab/prerequisites.ts";
import { play } from "./scenario.ts";
import { makeServers, urlOf } from "./servers.ts";

const help = `Usage: npm run demo [-- --once] [--json] [--sabotage early-ack]

Makes two servers on this machine, starts an application on a mirror of them, cuts the power of one, and counts what
was lost. Needs root on Linux. Then it stays up until Ctrl-C, so that you can look around.

  --once                 end after the last step
  --json                 print the result as one line of JSON on stdout; progress goes to stderr
  --sabotage early-ack   acknowledge writes before the other server has them: the count must find lost writes

Examples:
  npm run demo
  npm run demo -- --once --json
  npm run demo -- --once --json --sabotage early-ack; echo $?
`;

const startedMs = performance.now();
const states: { atMs: number; node: string; state: string; status: string }[] = [];

function since(): number {
	return Math.round(performance.now() - startedMs);
}

function readOptions() {
	try {
		const { values } = parseArgs({
			options: {
				once: { type: "boolean", default: false },
				json: { type: "boolean", default: false },
				sabotage: { type: "string" },
				help: { type: "boolean", short: "h", default: false },
			},
		});
		if (values.sabotage === undefined || values.sabotage === "early-ack") return values;
		throw new Error(`there is no sabotage '${values.sabotage}', only early-ack`);
	} catch (error) {
		const usage = new SafekitError("USAGE", (error as Error).message, { remedy: help });
		fail(usage, process.argv.includes("--json"));
		return process.exit();
	}
}

function fail(error: unknown, json = options.json): void {
	if (json) process.stdout.write(`${JSON.stringify(errorAsJson(error))}\n`);
	process.stderr.write(errorAsText(error));
	process.exitCode = asSafekitError(error).exit;
}

const options = readOptions();
const out = options.json ? process.stderr : process.stdout;

function say(text: string): void {
	out.write(`[${(since() / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
}

/** Prints a server's state when it changes, and a resync's progress while it lasts. */
function showState(line: StateLine): void {
	const last = states.findLast((each) => each.node === line.node);
	const copying = line.resync === null ? "" : `, ${line.resync.files} files compared`;
	if (last?.state !== line.state || last.status !== line.status) {
		states.push({ atMs: since(), node: line.node, state: line.state, status: line.status });
		say(`    ${line.node}: ${line.state} ${line.status} — ${line.why}${copying}`);
	} else if (copying !== "") {
		say(`    ${line.node}: ${line.state} ${line.status}${copying}, ${line.resync?.mbPerS.toFixed(1)} MB/s`);
	}
}

let servers: Pair | null = null;
const ending = new Ending(close);

async function close(): Promise<void> {
	if (servers === null) return;
	await servers.lab.close();
	say("The servers are gone, and nothing of them is left.");
}

async function main(): Promise<number> {
	if (options.help) {
		process.stdout.write(help);
		return 0;
	}
	ending.watch(Number(process.env.OPENSAFE_DEMO_STARTER) || process.ppid);
	if (process.getuid?.() === 0) await ensureDebianPackages(labPackages, say);
	const missing = await missingForLab();
	if (missing.length > 0) throw new SafekitError("LAB_IMPOSSIBLE", describeMissing(missing));
	say("Two servers are made on this machine, in namespaces of their own …");
	servers = await makeServers(options.sabotage ?? null);
	try {
		servers.watch(showState);
		const result = await play(servers, say);
		if (options.json) process.stdout.write(`${JSON.stringify({ ...result, states })}\n`);
		if (!options.once) await stayUp(servers);
		return result.lostWrites === 0 ? 0 : 1;
	} finally {
		if (ending.begun === null) await close();
	}
}

/** Until Ctrl-C. */
function stayUp(pair: Pair): Promise<void> {
	out.write(`\nEverything stays up until Ctrl-C. Look around, in another terminal:\n\n`);
	out.write(`  curl ${urlOf(pair)}/            the application, at the virtual IP\n`);
	for (const node of pair.nodes) out.write(`  ${pair.shell(node)}    # a shell on ${node.name}\n`);
	out.write(
		"\nand there: `safekit state`, `safekit log -m demo`, `safekit logview -m demo`, `safekit swap -m demo`.\n\n",
	);
	return ending.wait();
}

try {
	process.exitCode = await main();
} catch (error) {
	// What is taken away under a running step fails; that is no news.
	await ending.begun;
	fail(error);
}
await ending.begun;
process.exit();
