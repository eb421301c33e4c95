/** The lease witness of the simulation: one record, compare-and-swap, answers that may be lost on the way back. */
import type { WitnessAnswer, WitnessRecord, WitnessRequest } from "../../core/engine/contract.ts";
import type { World } from "./world.ts";

/** Shorter than a third of the heartbeat timeout, so that one lost answer costs one renewal only. */
const patienceMs = 500;

export class Witness {
	record: WitnessRecord | null = null;
	down = false;
	/** Per node: no way to the witness. */
	cut: [boolean, boolean] = [false, false];
	readonly #world: World;

	constructor(world: World) {
		this.#world = world;
	}

	/** The answer, or `unreachable` after some patience; what was asked may have been done all the same. */
	ask(from: 0 | 1, request: WitnessRequest, askedAtMs: number, answer: (answer: WitnessAnswer) => void): undefined {
		const world = this.#world;
		let answered = false;
		const once = (given: WitnessAnswer): undefined => {
			if (answered) return;
			answered = true;
			answer(given);
		};
		world.after(patienceMs, () => once({ got: "unreachable" }));
		if (this.cut[from] || this.down) return;
		// A request may be slow enough to arrive long after its sender gave up on it.
		const slow = world.random.chance(0.05) ? world.random.between(500, 4000) : world.random.between(2, 30);
		world.after(slow, () => {
			if (this.down) return;
			const given = this.#carryOut(request, askedAtMs);
			if (this.cut[from] || world.random.chance(0.03)) return;
			world.after(world.random.between(2, 30), () => once(given));
		});
	}

	#carryOut(request: WitnessRequest, askedAtMs: number): WitnessAnswer {
		const { record } = this;
		if (request.ask === "read") return { got: "record", record };
		if (request.ask === "renew") {
			if (record?.term !== request.term) return { got: "refused", record };
			this.record = { ...record, beat: record.beat + 1 };
			return { got: "swapped", record: this.record, askedAtMs };
		}
		const fits = (record?.term ?? 0) === request.expectTerm;
		if (!fits || (request.expectBeat !== undefined && record?.beat !== request.expectBeat)) {
			return { got: "refused", record };
		}
		this.record = request.record;
		this.#world.log(`witness now ${JSON.stringify(this.record)}`);
		return { got: "swapped", record: this.record, askedAtMs };
	}
}
