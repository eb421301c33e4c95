/** The configuration that a replication process gets on its standard input: checked before anything is touched. */
import { z } from "zod";
import { SafekitError } from "../../errors.ts";
import { maxConnections } from "../wire/handshake.ts";
import type { ProcessConfiguration } from "./context.ts";

const address = z.object({ address: z.union([z.ipv4(), z.ipv6()]), port: z.int().min(0).max(65_535) });
const ms = z.int().min(10).max(86_400_000);

const shape = z.strictObject({
	module: z.string().min(1).max(64),
	node: z.string().min(1).max(64),
	peer: z.string().min(1).max(64),
	nodeIndex: z.union([z.literal(0), z.literal(1)]),
	socket: z.string().startsWith("/").max(107),
	directories: z
		.array(
			z.strictObject({
				dir: z.string().startsWith("/").max(4096),
				notReplicatedPaths: z.array(z.string()).max(1000),
				notReplicatedRegexes: z.array(z.string()).max(1000),
			}),
		)
		.min(1)
		.max(200),
	async: z.enum(["second", "none"]),
	acl: z.boolean(),
	listen: address,
	connect: address,
	key: z.string().regex(/^[0-9a-f]{64}$/),
	sealed: z.boolean(),
	connections: z.int().min(1).max(maxConnections),
	lockTimeoutMs: ms,
	sendTimeoutMs: ms,
	ioTimeoutMs: ms,
	linkTimeoutMs: ms,
	resyncBandwidth: z.number().positive().nullable(),
	resyncLanes: z.int().min(1).max(1000),
});

/** @throws SafekitError REPLICATION_CONFIG. */
export function readConfiguration(text: string): ProcessConfiguration {
	try {
		return shape.parse(JSON.parse(text));
	} catch (cause) {
		const message = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
		throw new SafekitError("REPLICATION_CONFIG", `the configuration of the replication process: ${message}`, { cause });
	}
}
