/**
 * Three hundred power cuts, in labs of sixty; `POWER_CUTS` sets another number, `POWER_SEED` where the seeds begin. And
 * for each mechanism a run without it, which must find a loss or a difference.
 */
import type { ExecutionContext } from "ava";
import { labTest } from "../open.ts";
import { type Cut, cuts, PowerOrdeal } from "./ordeal.ts";

const all = Number(process.env.POWER_CUTS ?? 300);
const perLab = 60;
const firstSeed = Number(process.env.POWER_SEED ?? 1);
const withinMs = 100 * 60_000;

for (let number = 0; number * perLab < all; number++) {
	const count = Math.min(perLab, all - number * perLab);
	const async = number % 3 === 2 ? "none" : "second";
	labTest(
		`${count} power cuts at random moments, seed ${firstSeed + number}, async="${async}"`,
		{ withinMs },
		async (t, lab) => {
			const ordeal = await PowerOrdeal.begin(lab, firstSeed + number, { async });
			try {
				for (let n = 1; n <= count; n++) {
					const cut = ordeal.random.pick(cuts);
					const wrong = await ordeal.suffer(cut);
					t.deepEqual(wrong, [], `cut ${n}, ${cut}\n${wrong.length > 0 ? await ordeal.logs() : ""}`);
					const line = `${n} ${cut}: ${ordeal.acknowledged} acknowledged; copied ${ordeal.copied}`;
					t.log(line);
					// The log is shown at the end of the hour.
					process.stderr.write(`${line}\n`);
				}
			} finally {
				await ordeal.end();
			}
		},
	);
}

/** What the absence of each mechanism loses in, at the latest after so many cuts. */
const controls: { sabotage: string; cut: Cut; tries: number }[] = [
	{ sabotage: "early-ack", cut: "primary", tries: 3 },
	{ sabotage: "no-marks", cut: "both", tries: 12 },
	{ sabotage: "late-marks", cut: "both", tries: 40 },
	{ sabotage: "no-sync", cut: "primary in a resync", tries: 20 },
	{ sabotage: "crashed-start", cut: "both", tries: 20 },
];

for (const { sabotage, cut, tries } of controls) {
	labTest(`negative control, ${sabotage}: the same cuts find what it is for`, { withinMs }, async (t, lab) => {
		const ordeal = await PowerOrdeal.begin(lab, firstSeed, { sabotage });
		try {
			t.true(await findsFault(t, ordeal, cut, tries));
		} finally {
			await ordeal.end();
		}
	});
}

async function findsFault(t: ExecutionContext, ordeal: PowerOrdeal, cut: Cut, tries: number): Promise<boolean> {
	for (let n = 1; n <= tries; n++) {
		// Also a mirror that does not come back has failed.
		const wrong = await ordeal.suffer(cut).catch((error: Error) => [error.message]);
		if (wrong.length === 0) continue;
		t.log(`cut ${n}: ${wrong.slice(0, 3).join("; ").slice(0, 300)}`);
		return true;
	}
	return false;
}
