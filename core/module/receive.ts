/** A module that comes from another server of the cluster (`safekit -H … -E AM`, spec/04 §5): files and configuration in one. */
import { type AdmissionOptions, admit } from "./admission.ts";
import { type Configured, type ConfigureOptions, putInForce } from "./configure.ts";
import { archive, sourceTree, writeFiles } from "./install.ts";
import { withModuleLock } from "./lock.ts";
import { packageOf } from "./package/read.ts";
import type { Paths } from "./paths.ts";
import { recover } from "./recover.ts";
import { assignId, checkModuleName, chooseId, readIds } from "./registry.ts";
import { exists } from "./trees.ts";

export interface ReceivedModule extends AdmissionOptions {
	name: string;
	/** The same as on the server that it comes from. */
	id: number;
	/** A `.safe`. */
	bytes: Buffer;
	/** Where it comes from, in messages. */
	from: string;
}

/**
 * Installs the module, in place of the one with its name if there is one, and applies its configuration. Both or
 * nothing: what fails, or is interrupted by the death of the daemon, leaves the files, the configuration and the number
 * that were there before; in the very last moment it may leave the module installed and the old configuration in force.
 */
export async function receiveModule(
	paths: Paths,
	{ name, id, bytes, from, ...admission }: ReceivedModule,
	options: ConfigureOptions,
): Promise<Configured> {
	checkModuleName(name);
	const content = packageOf(bytes);
	return withModuleLock(paths, async () => {
		await recover(paths);
		chooseId(await readIds(paths), name, id);
		const tree = sourceTree(paths, name);
		const installed = await exists(tree.path);
		await admit(paths, content, { file: from, replaced: installed ? tree.path : null }, admission);
		try {
			await writeFiles(content, await tree.begin());
			if (installed) await archive(paths, name);
			await tree.tryOut();
			// Number and files first: a module that is installed and not applied is one that `config` applies.
			const confirmed = async (): Promise<void> => {
				await assignId(paths, name, id);
				await tree.confirm();
			};
			return await putInForce(paths, name, { ...options, id, confirmed });
		} catch (error) {
			await tree.recover();
			throw error;
		}
	});
}
