/** Builds the smallest valid userconfig.xml that holds one element, from the samples of the table. */
import type { ElementDeclaration } from "../../../core/schema/declare.ts";
import { schema } from "../../module/place.ts";
import type { AttributeRow } from "./rows.ts";
import { must } from "./rows.ts";

/** What is unusual in the document: values of the element at the end of the path, and how often it stands there. */
export interface Unusual {
	attributes?: Readonly<Record<string, string>>;
	times?: number;
	/** An element of this name stands in `<safe>` or `<service>` too, where it does not belong. */
	elsewhere?: { parent: "safe" | "service"; name: string };
}

export class Documents {
	readonly #samples: ReadonlyMap<string, string>;

	/** Samples are the first accepted values of attributes that must be written. */
	constructor(rows: readonly AttributeRow[]) {
		this.#samples = new Map(rows.filter(([, preset]) => preset === must).map(([at, , , [first = ""]]) => [at, first]));
	}

	/** `path`: names below `<service>`; `macro` and `service` stand in `<safe>`. */
	build(mode: string, path: readonly string[], unusual: Unusual = {}): string {
		const { safe } = schema;
		const service = schema.service(mode);
		const top = path[0] === "macro" || path[0] === "service" ? [] : ["service"];
		const root: ElementDeclaration = { ...safe, children: [safe.children?.[0] as ElementDeclaration, service] };
		return this.#write(root, [...top, ...path], mode, "", unusual);
	}

	#write(
		element: ElementDeclaration,
		path: readonly string[],
		mode: string,
		at: string,
		unusual: Unusual,
		isTarget = false,
	): string {
		const values: Record<string, string> = {};
		for (const [name, known] of Object.entries(element.attributes ?? {})) {
			if (known.required) values[name] = this.#sample(mode, at, name);
		}
		if (at === "service") values.mode = mode;
		const [alternative] = element.exactlyOne ?? [];
		const chosen = isTarget && element.exactlyOne?.some((name) => unusual.attributes?.[name] !== undefined);
		if (alternative !== undefined && !chosen) values[alternative] = "x";
		if (isTarget) Object.assign(values, unusual.attributes);
		const children: string[] = [];
		for (const child of element.children ?? []) {
			const [next, ...rest] = path;
			const below = at === "" || (at === "service" && child.name !== "service") ? child.name : `${at}/${child.name}`;
			const onPath = child.name === next;
			const last = onPath && rest.length === 0;
			const times = last ? (unusual.times ?? 1) : onPath ? 1 : (child.min ?? 0);
			for (let n = 0; n < times; n++) {
				children.push(this.#write(child, onPath ? rest : [], mode, below, unusual, last));
			}
		}
		const { elsewhere } = unusual;
		if (elsewhere !== undefined && element.name === elsewhere.parent) children.push(`<${elsewhere.name}/>`);
		if (at === "service" && path[0] === "errd") children.push("<user/>");
		const attributes = Object.entries(values).map(([name, value]) => ` ${name}="${value}"`);
		return `<${element.name}${attributes.join("")}>${children.join("")}</${element.name}>`;
	}

	#sample(mode: string, at: string, name: string): string {
		return this.#samples.get(`${mode}:${at}@${name}`) ?? this.#samples.get(`${at}@${name}`) ?? "missing-in-table";
	}
}
