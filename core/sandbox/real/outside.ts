/** What is really outside: the network, programs, files, services and processes of this server. */
import type { ProcessTable } from "../../checkers/watched/table.ts";
import type { Outside } from "../outside.ts";
import type { Judge } from "../permissions.ts";
import { exec } from "./exec.ts";
import { readFile } from "./files.ts";
import { http } from "./http.ts";
import { tcp } from "./tcp.ts";

export interface RealParts {
	judge: Judge;
	/** Programs of the package. */
	bin: string;
	table: ProcessTable;
	/** A resource of the module. */
	resource(name: string): string | null;
	now(): number;
}

const serviceStates = { running: "up", stopped: "down", absent: "down", unknown: "unknown" } as const;

export function realOutside({ judge, bin, table, resource, now }: RealParts): Outside {
	return {
		http: (request) => http(judge, request),
		tcp: (request) => tcp(judge, request),
		exec: (program, args, options) => exec(bin, program, args, options),
		readFile: (path) => readFile(judge, path),
		service: async (name) => serviceStates[(await table.services([name])).get(name) ?? "unknown"],
		process: async (name) => (await table.look()).byName.get(table.shortened(name))?.length ?? 0,
		resource,
		now,
	};
}
