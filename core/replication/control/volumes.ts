/** Opening what is replicated: the tree underneath, what stays out of it, and its marks. */
import { errnoName } from "../errno.ts";
import { mountSource, removeDeadMounts } from "../fuse/mountTable.ts";
import { Exclusion } from "../local/exclusion.ts";
import { NameMemory } from "../local/nameMemory.ts";
import { openTree } from "../local/setup.ts";
import type { DataLoop } from "../loop/dataLoop.ts";
import type { Syncers } from "../loop/syncers.ts";
import type { MarkSabotage } from "../marks/marks.ts";
import { openMarks } from "../marks/open.ts";
import type { FileId } from "../operation.ts";
import type { System } from "../system.ts";
import type { Context, ProcessConfiguration, Volume } from "./context.ts";

export interface VolumeParts {
	system: System;
	loop: DataLoop;
	config: ProcessConfiguration;
	markWriter: Syncers;
	log: Context["log"];
	nextId(): FileId;
	/** Marks of the volume with this index became durable, or failed. */
	unpark(index: number): void;
	diskFailed(volume: Volume, result: number): void;
	sabotage: MarkSabotage;
}

/**
 * @param adopted the directory underneath a mount that was taken over.
 * @throws SafekitError REPLICATION_DIRECTORY, REPLICATION_FILE_SYSTEM, REPLICATION_DISK.
 */
export function openVolume(
	{ system, loop, config, markWriter, log, ...parts }: VolumeParts,
	{ dir, notReplicatedPaths, notReplicatedRegexes }: ProcessConfiguration["directories"][0],
	index: number,
	adopted?: number,
): Volume {
	if (adopted === undefined) removeDeadMounts(system, dir, mountSource(config.module));
	const exclusion = new Exclusion({ paths: notReplicatedPaths, regexes: notReplicatedRegexes });
	const tree = openTree(system, dir, config.acl, adopted);
	const { marks, damaged } = openMarks({
		...{ tree, loop, writer: markWriter },
		nextId: parts.nextId,
		onDurable: () => parts.unpark(index),
		onFailed: (result) => {
			log("E", "rfsplug", `The marks of ${dir} cannot be written (${errnoName(result)})`);
			parts.diskFailed(volume, result);
		},
		sabotage: parts.sabotage,
	});
	if (damaged) log("W", "rfsplug", `The marks of ${dir} cannot be read: the next synchronisation compares all of it`);
	const volume: Volume = { index, tree, exclusion, names: new NameMemory(), marks };
	return volume;
}
