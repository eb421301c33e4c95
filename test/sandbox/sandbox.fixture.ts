/** A sandbox for tests, with an outside that answers from a table. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/log/clock.ts";
import { sandboxSystem } from "../../core/platform/linux/sandbox.ts";
import type { HostedChecker } from "../../core/sandbox/hosted.ts";
import type { Outside } from "../../core/sandbox/outside.ts";
import { Judge, noPermissions, type Permissions } from "../../core/sandbox/permissions.ts";
import type { Outcome } from "../../core/sandbox/run.ts";
import { Sandbox } from "../../core/sandbox/sandbox.ts";
import { strip } from "../../core/sandbox/strip.ts";

export interface TestSandbox {
	sandbox: Sandbox;
	reports: string[];
	/** A checker from the body of its function, or from whole files. */
	add(body: string | Record<string, string>, times?: string, group?: string): HostedChecker;
	/** Adds a checker, runs it once, and removes it. */
	once(
		body: string | Record<string, string>,
		more?: { times?: string; outside?: Partial<Outside>; permissions?: Partial<Permissions> },
	): Promise<Outcome>;
	close(): Promise<void>;
}

export const input = { args: ["one", "two"], module: "web", self: "custom.web", variables: { PORT: "80" }, state: {} };

export function outsideOf(more: Partial<Outside> = {}): Outside {
	const nothing = async (): Promise<never> => {
		throw new Error("nothing is there");
	};
	return {
		...{ http: nothing, tcp: nothing, exec: nothing, readFile: nothing, resource: () => null, now: () => Date.now() },
		...{ service: async () => "up" as const, process: async () => 1 },
		...more,
	};
}

export function judgeOf(more: Partial<Permissions> = {}): Judge {
	return new Judge({ ...noPermissions, ...more });
}

/** A file that exports a checker with this body. */
export function fileOf(body: string, times = '{ timeout: "60s" }'): string {
	return `import { checker, down, up } from "opensafe";\nexport default checker(${times}, async (ctx: any) => {\n${body}\n});\n`;
}

export function makeSandbox(): TestSandbox {
	const folder = mkdtempSync(join(tmpdir(), "opensafe-sandbox-"));
	const reports: string[] = [];
	const report = (message: string): void => void reports.push(message);
	const sandbox = new Sandbox({ system: sandboxSystem, clock: systemClock, folder, report });
	const add: TestSandbox["add"] = (body, times, group = "web") => {
		const texts = typeof body === "string" ? { "a.ts": fileOf(body, times) } : body;
		const files = Object.entries(texts).map(([name, text]) => ({ name, code: strip(text) }));
		return sandbox.add({ group, entry: files[0]?.name ?? "", files });
	};
	return {
		sandbox,
		reports,
		add,
		async once(body, { times, outside, permissions } = {}) {
			const checker = add(body, times);
			try {
				return await checker.run(input, outsideOf(outside), judgeOf(permissions));
			} finally {
				checker.remove();
			}
		},
		async close() {
			await sandbox.close();
			rmSync(folder, { recursive: true, force: true });
		},
	};
}
