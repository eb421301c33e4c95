/** The schema of userconfig.xml with the modes of the plugins, loaded once a process. */
import { loadPlugins, type Plugins, schemaOf } from "../node/plugins/load.ts";
import type { Schema } from "../schema/schema.ts";

let plugins: Promise<Plugins> | undefined;

/** The plugins of this process; those of `$SAFE/plugins` are loaded if SAFE is set or at its default place. */
export function pluginsOnce(): Promise<Plugins> {
	plugins ??= loadPlugins(process.env.SAFE || "/opt/safekit");
	return plugins;
}

export async function localSchema(): Promise<Schema> {
	return schemaOf((await pluginsOnce()).loaded);
}
