import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { errorAsText, problemAsText } from "../../core/log/errorTexts.ts";
import { inspect } from "../../core/module/inspect.ts";
import { writeSafeconf } from "../../core/schema/safeconf.ts";
import { decodeBytes } from "../../core/schema/xml/decode.ts";
import { schema } from "../module/place.ts";
import { farm, legacy, mirror } from "./bases.ts";
import { mutated } from "./mutate.ts";

const count = 10_000;
/** Far more than one ever takes: the machine may be busy. */
const longestMs = 5000;
const seed = Number(process.env.MUTATION_SEED ?? 4);

const templates = join(import.meta.dirname, "../../module-templates");
const bases = [
	...readdirSync(templates).map((name) => readFileSync(join(templates, name, "conf/userconfig.xml"), "utf8")),
	...[mirror, mirror, farm, legacy],
];
const lan = { name: "default", command: false, nodes: ["10.0.0.1", "10.0.0.2"].map((addr) => ({ name: addr, addr })) };
const cluster = { port: 4800, pulseMs: 100, lans: [lan] };

function look(bytes: Uint8Array, purpose: "config" | "check") {
	return inspect(bytes, "u.xml", "m", 1, { schema, environment: {}, purpose, cluster });
}

test(`${count} broken configurations: no crash, no hang, a place for every refusal (seed ${seed})`, (t) => {
	let [refused, accepted, slowestMs] = [0, 0, 0];
	const property = fc.property(mutated(bases), fc.constantFrom("config", "check"), (bytes, purpose) => {
		const startedMs = performance.now();
		const { problems, read } = look(bytes, purpose);
		const tookMs = performance.now() - startedMs;
		slowestMs = Math.max(slowestMs, tookMs);
		if (tookMs > longestMs) throw new Error(`${tookMs} ms`);
		const decoded = decodeBytes(bytes);
		const lines = ("text" in decoded ? decoded.text : `${decoded.before} `).split("\n");
		for (const problem of problems) {
			const { line = 0, column = 0 } = problem;
			const width = lines[line - 1]?.length ?? -1;
			if (!(column >= 1 && column <= width + 1))
				throw new Error(`${line}:${column} of ${lines.length}: ${problemAsText(problem)}`);
			if (problem.message === "" || problem.remedy === "") throw new Error(JSON.stringify(problem));
		}
		const wrong = problems.some(({ severity }) => severity === "error");
		wrong ? refused++ : accepted++;
		if (wrong || read === undefined || purpose === "check") return;
		// What is accepted is accepted again as scripts read it.
		const again = look(Buffer.from(writeSafeconf(read.safe)), purpose).problems;
		const [error] = again.filter(({ severity }) => severity === "error");
		if (error !== undefined) throw new Error(`safeconf.xml: ${problemAsText(error)}`);
	});
	const result = fc.check(property, { numRuns: count, seed, endOnFailure: true });
	if (result.failed) {
		const [bytes, purpose] = result.counterexample ?? [];
		t.fail(
			`${purpose} ${JSON.stringify(
				Buffer.from(bytes ?? [])
					.toString()
					.slice(0, 5000),
			)}\n${errorAsText(result.errorInstance)}`,
		);
	}
	t.log(`${refused} refused, ${accepted} accepted, the slowest took ${slowestMs.toFixed(1)} ms`);
	// A mutation that never hurts, or always does, tests little.
	t.true(refused > count / 4 && accepted > count / 20);
});
