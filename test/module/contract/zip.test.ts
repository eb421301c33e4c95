/** Spec/09 §1 and §2: every published package is installed, kept and packed again as it is. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { installModule, listModules, packageModule } from "../../../core/module/install.ts";
import { readPackage } from "../../../core/module/package/read.ts";
import { place } from "../place.ts";
import { entriesOf, published, zipOf } from "./packages.ts";

test("there are 7 of Linux and 11 of Windows", (t) => {
	t.is(published.filter(({ system }) => system === "linux").length, 7);
	t.is(published.filter(({ system }) => system === "windows").length, 11);
});

for (const one of published) {
	const what = `${one.name} (${one.system})`;
	test(`${what}: unzip, list, re-zip give the same names, bytes and modes`, async (t) => {
		const { top, paths } = await place(t);
		const file = join(top, `${one.name}.safe`);
		writeFileSync(file, zipOf(one));
		// Under another name than its own and than its manifest's: -m decides.
		const { name } = await installModule(paths, { file, name: "other" });
		t.is(name, "other");
		t.deepEqual(
			(await listModules(paths)).map((each) => each.name),
			["other"],
		);
		const installed = paths.module("other").source;
		const files = entriesOf(one).filter((entry) => !entry.name.endsWith("/"));
		for (const { name: path, content, mode } of files) {
			t.deepEqual(readFileSync(join(installed, path)), content, path);
			t.is(statSync(join(installed, path)).mode & 0o777, mode & 0o777, path);
		}
		t.deepEqual(readdirSync(installed).sort(), ["bin", "conf", ...(one.manifest ? ["manifest.xml"] : []), "web"]);
		const again = join(top, "again.safe");
		await packageModule(paths, "other", again);
		const packed = await readPackage(again);
		const shown = (name_: string, mode: number, bytes: Uint8Array): string =>
			`${name_} ${(mode & 0o777).toString(8)} ${Buffer.from(bytes).toString("base64")}`;
		t.deepEqual(
			packed.files.map((each) => shown(each.name, each.mode, each.content())).sort(),
			files.map((each) => shown(each.name, each.mode, each.content)).sort(),
		);
	});
}

test("without -m the file names the module, never the manifest", async (t) => {
	const { top, paths } = await place(t);
	for (const one of published.filter(({ manifest }) => manifest)) {
		const file = join(top, `${one.name}.safe`);
		writeFileSync(file, zipOf(one));
		t.is((await installModule(paths, { file })).name, one.name);
	}
});

test("k3s edits its userconfig.xml by lines: it stays byte for byte", async (t) => {
	const { top, paths } = await place(t);
	const k3s = published.find(({ name }) => name === "k3s");
	if (k3s === undefined) throw new Error("k3s");
	writeFileSync(join(top, "k3s.safe"), zipOf(k3s));
	await installModule(paths, { file: join(top, "k3s.safe") });
	const text = readFileSync(join(paths.module("k3s").sourceConf, "userconfig.xml"), "utf8");
	t.regex(text, /macro name="VIRTUALIP".*value=""\/>$/m, "one line, no blank before />");
});
