/** A real tree of files: this project's own dependencies, cloned by git and unpacked by tar. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../machine.ts";
import type { Bench, Work } from "../measure.ts";

const dependencies = join(import.meta.dirname, "../../../node_modules");
/** Files over this size would make it a measurement of bandwidth. */
const largest = "-1024k";
/** What a quick run takes of them. */
const small = ["zod", "koffi", "fast-check", "@types"];

interface Tree {
	tar: string;
	repository: string;
	files: number;
}

let prepared: Promise<Tree> | null = null;

/** Made once: an archive and a repository with the same files. */
function tree(bench: Bench): Promise<Tree> {
	prepared ??= prepare(bench);
	return prepared;
}

async function prepare({ signal, scratch, quick }: Bench): Promise<Tree> {
	const folder = join(scratch, "tree");
	const [tar, repository] = [join(scratch, "tree.tar"), join(scratch, "tree.git")];
	mkdirSync(folder);
	const roots = quick ? small.filter((name) => existsSync(join(dependencies, name))) : ["."];
	const which = ["-type", "f", "-size", largest, "-not", "-path", "*/.cache/*", "-print0"];
	const names = await run(signal, "find", [...roots, ...which], { cwd: dependencies });
	await run(signal, "tar", ["-cf", tar, "-C", dependencies, "--null", "-T", "-"], { input: names });
	await run(signal, "tar", ["-xf", tar, "-C", folder]);
	const git = (...words: string[]) =>
		run(signal, "git", ["-C", folder, "-c", "user.name=bench", "-c", "user.email=bench@example.org", ...words]);
	await git("init", "-q", "-b", "main");
	await git("add", "-Af", ".");
	await git("commit", "-q", "-m", "all");
	await run(signal, "git", ["clone", "-q", "--bare", folder, repository]);
	return { tar, repository, files: names.split("\0").length - 1 };
}

export const treeWorks: Work[] = [
	{
		rows: [{ row: "git-clone", title: "git clone of a real tree", unit: "files/s" }],
		needs: ["git", "tar"],
		async run(bench, folder) {
			const { repository, files } = await tree(bench);
			const started = performance.now();
			await run(bench.signal, "git", ["clone", "-q", `file://${repository}`, folder]);
			return { "git-clone": { value: (files / (performance.now() - started)) * 1000 } };
		},
	},
	{
		rows: [{ row: "tar-x", title: "tar x of a real tree", unit: "files/s" }],
		needs: ["git", "tar"],
		async run(bench, folder) {
			const { tar, files } = await tree(bench);
			mkdirSync(folder, { recursive: true });
			const started = performance.now();
			await run(bench.signal, "tar", ["-xf", tar, "-C", folder]);
			return { "tar-x": { value: (files / (performance.now() - started)) * 1000 } };
		},
	},
];
