/** `safekit module try`: a module with its real scripts on two servers made on this machine. Started by core/cli/module/try.ts. */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { asSafekitError, SafekitError } from "../../core/errors.ts";
import { errorAsJson, errorAsText } from "../../core/log/errorTexts.ts";
import { Ending } from "../lab/ending.ts";
import type { Lab } from "../lab/lab.ts";
import type { Pair, StateLine } from "../lab/pair.ts";
import { describeMissing, ensureDebianPackages, hasProgram, labPackages, missingForLab } from "../lab/prerequisites.ts";
import { readTried, type TriedModule } from "./module.ts";
import { Scenario, type Trial } from "./scenario.ts";
import { installOn, makePair } from "./servers.ts";
import { whatHappened } from "./story.ts";

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: { once: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const out = options.json ? process.stderr : process.stdout;
const startedMs = performance.now();
const states: { atMs: number; node: string; state: string; status: string }[] = [];
let lab: Lab | null = null;
const ending = new Ending(close);

function since(): number {
	return Math.round(performance.now() - startedMs);
}

function say(text: string): void {
	out.write(`[${(since() / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
}

function showState({ node, state, status, why }: StateLine): void {
	const last = states.findLast((each) => each.node === node);
	if (last?.state === state && last.status === status) return;
	states.push({ atMs: since(), node, state, status });
	say(`    ${node}: ${[state, status].join(" ").trim()} — ${why}`);
}

async function close(): Promise<void> {
	if (lab === null) return;
	await lab.close();
	lab = null;
	say("The servers are gone, and nothing of them is left.");
}

async function main(path: string): Promise<number> {
	ending.watch(process.ppid);
	const module = await readTried(path);
	if (process.getuid?.() === 0) await ensureDebianPackages(labPackages, say);
	const missing = await missingForLab();
	if (module.needsSystemd && !hasProgram("../lib/systemd/systemd")) {
		missing.push({
			what: "systemd",
			remedy: "The module's scripts use it. Install it (Debian: apt-get install systemd).",
		});
	}
	if (missing.length > 0) throw new SafekitError("LAB_IMPOSSIBLE", describeMissing(missing));
	say("Two servers are made on this machine, in namespaces of their own …");
	const pair = await makePair(module, (opened) => {
		lab = opened;
	});
	try {
		pair.watch(showState);
		const trial = await play(pair, module);
		if (options.json) process.stdout.write(`${JSON.stringify({ ...trial, states })}\n`);
		return trial?.dataFollowed === false ? 1 : 0;
	} finally {
		if (ending.begun === null) await close();
	}
}

/** With `--once`, or where nobody sits, all of it; else the person says when. */
async function play(pair: Pair, module: TriedModule): Promise<Trial | null> {
	const scenario = new Scenario(pair, module, say);
	try {
		await pair.setUp();
		if (module.blanks.length > 0)
			say(`Left blank by the author, filled in for the trial: ${module.blanks.join(", ")}.`);
		say(`${module.name} is installed and configured on both.`);
		for (const node of pair.nodes) {
			const said = await installOn(node, pair, module);
			if (said !== "") out.write(`${said.replaceAll(/^/gm, `           ${node.name}: `)}\n`);
		}
		await scenario.start();
		if (!options.once && process.stdin.isTTY) return await withPerson(pair, scenario);
		const trial = await scenario.failOver();
		await scenario.stop();
		say("It started, went through a power cut, returned and stopped.");
		return trial;
	} catch (error) {
		if (ending.begun !== null) throw error;
		throw await whatHappened(error, pair);
	}
}

async function withPerson(pair: Pair, scenario: Scenario): Promise<null> {
	out.write("\nIt runs. Look around, in another terminal:\n\n");
	for (const node of pair.nodes) out.write(`  ${pair.shell(node)}    # a shell on ${node.name}\n`);
	out.write(
		`\nand there: \`safekit state\`, \`safekit logview -m ${pair.module}\`, \`safekit swap -m ${pair.module}\`.\n`,
	);
	const offer = "\nEnter: the server that runs it loses power and returns. Ctrl-C: the end.\n";
	out.write(offer);
	const lines = createInterface({ input: process.stdin });
	for await (const _ of endless(lines)) {
		await scenario.failOver();
		out.write(offer);
	}
	await scenario.stop();
	return null;
}

/** Lines of the person, until the end is asked for. */
async function* endless(lines: AsyncIterable<string>): AsyncGenerator<string> {
	const iterator = lines[Symbol.asyncIterator]();
	for (;;) {
		const next = await Promise.race([iterator.next(), ending.asked.then(() => null)]);
		if (next === null || next.done) return;
		yield next.value;
	}
}

try {
	process.exitCode = await main(positionals[0] ?? ".");
} catch (error) {
	// What is taken away under a running step fails; that is no news.
	await ending.begun;
	if (options.json) process.stdout.write(`${JSON.stringify(errorAsJson(error))}\n`);
	process.stderr.write(errorAsText(error));
	process.exitCode = asSafekitError(error).exit;
}
await ending.begun;
process.exit();
