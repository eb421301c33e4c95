/** Whether what a plugin declares is a declaration: a wrong one would otherwise show in every module's configuration. */
import { z } from "zod";
import type { AttributeDeclaration, AttributeType, ElementDeclaration } from "./declare.ts";

const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, "is no name of an element or attribute");
const star = z.literal(true).optional();

const type: z.ZodType<AttributeType> = z.discriminatedUnion("is", [
	...(["text", "word", "onoff", "netmask", "directory", "relative", "regex"] as const).map((is) =>
		z.strictObject({ is: z.literal(is) }),
	),
	z.strictObject({ is: z.literal("integer"), min: z.number(), max: z.number(), star }),
	z.strictObject({ is: z.literal("choice"), values: z.array(z.string()).min(1) }),
	z.strictObject({
		is: z.literal("time"),
		unit: z.enum(["d", "h", "m", "s", "ms", "us"]),
		min: z.number().optional(),
		maxMs: z.number().optional(),
	}),
	z.strictObject({ is: z.literal("address"), star }),
	z.strictObject({ is: z.literal("pattern"), pattern: z.string().refine(isPattern), expected: z.string() }),
] as never) as never;

function isPattern(text: string): boolean {
	try {
		return new RegExp(`^(?:${text})$`, "u").test("") || true;
	} catch {
		return false;
	}
}

/** One attribute. */
export const attributeShape: z.ZodType<AttributeDeclaration> = z.strictObject({
	type,
	doc: z.string().min(1),
	default: z.string().optional(),
	required: z.boolean().optional(),
	mayBeEmpty: z.boolean().optional(),
	dyn: z.boolean().optional(),
	carried: z.enum(["now", "later", "legacy", "unneeded"]).optional(),
	instead: z.string().optional(),
	because: z.string().optional(),
}) as never;

/** One element with all that is below it. */
export const elementShape: z.ZodType<ElementDeclaration> = z.lazy(() =>
	z.strictObject({
		name,
		doc: z.string().min(1),
		attributes: z.record(name, attributeShape).optional(),
		children: z.array(elementShape).optional(),
		min: z.number().optional(),
		max: z.number().optional(),
		mayRepeat: z.literal(true).optional(),
		unique: z.string().optional(),
		exactlyOne: z.array(z.string()).optional(),
		text: z.boolean().optional(),
		carried: z.enum(["now", "later", "legacy", "unneeded"]).optional(),
		instead: z.string().optional(),
	}),
) as never;
