/** Makes a failing run smaller: leaves out steps as long as it still fails, for at most a minute. */
import { type RunOptions, type RunResult, runRandom } from "./driver.ts";
import { chooseStep } from "./kinds.ts";
import { Choices } from "./random.ts";
import { mountedSubject } from "./subjects.ts";

const most = 20_000;
const budgetMs = 60_000;
const workers = 4;

async function fails(options: RunOptions, only: ReadonlySet<string>): Promise<boolean> {
	const subject = await mountedSubject();
	try {
		return (await runRandom(subject, { ...options, only, compareEvery: options.operations })).difference !== null;
	} finally {
		subject.clean();
	}
}

/** The steps that are left, as text; says so when there are too many to try. */
export async function shrink(options: RunOptions, failed: RunResult): Promise<string> {
	if (failed.at > most) return `${failed.at} steps are too many to be made fewer`;
	const until = Date.now() + budgetMs;
	const smaller = { ...options, operations: failed.at };
	let left: string[] = [];
	for (let n = 0; n < failed.at / workers; n++) for (let w = 0; w < workers; w++) left.push(`${w}#${n}`);
	for (let size = Math.ceil(left.length / 2); size >= 1 && Date.now() < until; size = Math.floor(size / 2)) {
		for (let from = 0; from < left.length && Date.now() < until; ) {
			const fewer = [...left.slice(0, from), ...left.slice(from + size)];
			if (await fails(smaller, new Set(fewer))) left = fewer;
			else from += size;
		}
	}
	const lines = left.map((name) => {
		const [worker = 0, number = 0] = name.split("#").map(Number);
		const { kind, text } = chooseStep(new Choices(options.seed, worker, number));
		return `${name} ${kind} ${text}`;
	});
	return `${left.length} steps still fail:\n${lines.slice(0, 60).join("\n")}`;
}
