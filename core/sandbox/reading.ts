/** What the process of the isolates says is read with suspicion: a checker may have taken it over. */
import { z } from "zod";
import { runLimits } from "./limits.ts";
import type { FromProcess } from "./messages.ts";

const id = z.int().min(1);
const shortText = z.string().max(4 * runLimits.text);

const fromProcess = z.discriminatedUnion("type", [
	z.strictObject({ type: z.literal("ready") }),
	z.strictObject({ type: z.literal("loaded"), id, said: shortText }),
	z.strictObject({ type: z.literal("notLoaded"), id, why: shortText }),
	z.strictObject({ type: z.literal("out"), id, run: id, out: z.string().max(runLimits.turn) }),
	z.strictObject({ type: z.literal("failed"), id, run: id, why: shortText }),
	z.strictObject({ type: z.literal("cut"), id, run: id }),
	z.strictObject({ type: z.literal("ended"), id, run: id }),
	z.strictObject({
		type: z.literal("gone"),
		ids: z.array(id).max(4096),
		culprit: id,
		fault: z.enum(["cpu", "memory", "time"]),
	}),
]);

/** The message, or null when the process says what it may not say. */
export function readMessage(message: unknown): FromProcess | null {
	const read = fromProcess.safeParse(message);
	return read.success ? read.data : null;
}

const count = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const turn = z.strictObject({
	calls: z.array(z.tuple([count, z.string().max(20), z.array(z.unknown()).max(4)])).max(runLimits.calls),
	logs: z.array(z.string().max(runLimits.text)).max(runLimits.logLines),
	done: z
		.union([
			z.strictObject({
				state: z.enum(["up", "down"]),
				reason: z.string().max(runLimits.text),
				kept: z.string().optional(),
			}),
			z.strictObject({ error: z.string().max(runLimits.text) }),
		])
		.optional(),
});

export type Turn = z.infer<typeof turn>;

/** What an isolate said in a turn, or null when that is no sense: the checker then counts as down. */
export function readTurn(out: string): Turn | null {
	try {
		const read = turn.safeParse(JSON.parse(out));
		return read.success ? read.data : null;
	} catch {
		return null;
	}
}

const begun = z.union([
	z.strictObject({
		times: z.strictObject({
			every: z.union([z.string().max(40), z.number()]),
			timeout: z.union([z.string().max(40), z.number()]),
			memory: z.number(),
		}),
	}),
	z.strictObject({ wrong: z.string().max(runLimits.text) }),
]);

/** What the driver said of the checker's declaration. */
export function readBegun(said: string): z.infer<typeof begun> {
	try {
		const read = begun.safeParse(JSON.parse(said));
		if (read.success) return read.data;
	} catch {}
	return { wrong: "checker(…) has times that are neither numbers nor texts" };
}
