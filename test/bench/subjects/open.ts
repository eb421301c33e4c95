/** Makes the places that are compared. All of them lie on one disk and stay open during the whole run. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Bench, Subject, SubjectName } from "../measure.ts";
import { Gluster } from "./gluster.ts";
import { Servers } from "./servers.ts";

/** @throws when it cannot be had here. */
export async function openSubject(bench: Bench, root: string, name: SubjectName): Promise<Subject> {
	const folder = join(root, name);
	mkdirSync(folder, { mode: 0o711 });
	if (name === "native") return { name, folder };
	if (name === "gluster") {
		const gluster = await Gluster.start(bench.signal, folder);
		bench.atEnd(() => gluster.close());
		return { name, folder: gluster.mount };
	}
	const servers = await Servers.make(folder, name);
	bench.atEnd(() => servers.close());
	await (name === "unreplicated" ? servers.alone() : servers.up());
	return { name, folder: servers.a.dir };
}
