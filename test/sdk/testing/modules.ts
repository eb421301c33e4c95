/** Folders of modules for tests of the simulated cluster. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import { makeTestFolder } from "../../folder.ts";

/** The folder of a module with these files; `service` stands in conf/userconfig.xml. */
export function moduleFolder(t: ExecutionContext, service: string, files: Record<string, string> = {}): string {
	const folder = makeTestFolder("module");
	t.teardown(() => rmSync(folder, { recursive: true, force: true }));
	const all = { "conf/userconfig.xml": `<!DOCTYPE safe>\n<safe>${service}</safe>\n`, ...files };
	for (const [name, text] of Object.entries(all)) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), text);
		if (name.startsWith("bin/")) chmodSync(join(folder, name), 0o755);
	}
	return folder;
}

export const emptyScripts = Object.fromEntries(
	["prestart", "start_prim", "stop_prim", "start_both", "stop_both"].map((name) => [`bin/${name}`, "#!/bin/sh\n"]),
);

/** A mirror with a heartbeat, replication, and what is given. */
export function mirrorService(more: string, attributes = ""): string {
	return `<service mode="mirror"${attributes}>
	<heart><heartbeat name="default"/></heart>
	<rfs><replicated dir="/data"/></rfs>
	<user/>
	${more}
</service>`;
}

/** A checker that is down when the health page has failed twice in a row. */
export const healthChecker = `import { checker, down, up } from "opensafe";
export default checker({ every: "10s", timeout: "2s" }, async (ctx) => {
	const answer = await ctx.http.get("http://127.0.0.1/health").catch((error) => ({ status: error.message }));
	const failed = answer.status === 200 ? 0 : Number(ctx.state.failed ?? 0) + 1;
	ctx.state.failed = failed;
	return failed < 2 ? up() : down(\`HTTP \${answer.status}, \${failed} times\`);
});
`;
export const healthManifest = JSON.stringify({
	name: "health",
	version: "1.0.0",
	plugin: null,
	requires: { core: "*" },
	permissions: { net: ["127.0.0.1:80"], exec: [], read: [] },
});
