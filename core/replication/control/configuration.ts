/**
 * The configuration that a replication process gets on its standard input: checked before anything is touched. By hand:
 * a library for it takes 8 MB and a tenth of a second of every replicated module.
 */
import { isIP } from "node:net";
import { SafekitError } from "../../errors.ts";
import { maxConnections } from "../wire/handshake.ts";
import type { ProcessConfiguration } from "./context.ts";

type Check = (value: unknown) => boolean;

const whole =
	(least: number, most: number): Check =>
	(value) =>
		Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const text =
	(most: number, shape = /./s): Check =>
	(value) =>
		typeof value === "string" && value.length <= most && shape.test(value);
const oneOf =
	(...values: unknown[]): Check =>
	(value) =>
		values.includes(value);
const list =
	(least: number, most: number, each: Check): Check =>
	(value) =>
		Array.isArray(value) && value.length >= least && value.length <= most && value.every(each);
/** With these keys and no others. */
const object =
	(keys: Record<string, Check>): Check =>
	(value) =>
		wrongKey(keys, value) === null;
const ms = whole(10, 86_400_000);
const path = (most: number): Check => text(most, /^\//);
const address = object({ address: (value) => typeof value === "string" && isIP(value) > 0, port: whole(0, 65_535) });
const rules = list(0, 1000, text(65_536, /^/));

const shape: Record<keyof ProcessConfiguration, Check> = {
	module: text(64),
	node: text(64),
	peer: text(64),
	nodeIndex: oneOf(0, 1),
	socket: path(107),
	directories: list(1, 200, object({ dir: path(4096), notReplicatedPaths: rules, notReplicatedRegexes: rules })),
	async: oneOf("second", "none"),
	acl: oneOf(true, false),
	listen: address,
	connect: address,
	key: text(64, /^[0-9a-f]{64}$/),
	sealed: oneOf(true, false),
	connections: whole(1, maxConnections),
	lockTimeoutMs: ms,
	sendTimeoutMs: ms,
	ioTimeoutMs: ms,
	linkTimeoutMs: ms,
	resyncBandwidth: (value) => value === null || (Number.isFinite(value) && (value as number) > 0),
	resyncLanes: whole(1, 1000),
	resyncTimeoutMs: ms,
	resyncDetail: oneOf(true, false),
};

/** A key whose value is wrong or missing, or that should not be there; null: all is as it should be. */
function wrongKey(keys: Record<string, Check>, value: unknown): string | null {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
	const unknown = Object.keys(value).find((key) => !Object.hasOwn(keys, key));
	const wrong = Object.entries(keys).find(([key, check]) => !check((value as Record<string, unknown>)[key]));
	return unknown ?? wrong?.[0] ?? null;
}

/** @throws SafekitError REPLICATION_CONFIG. */
export function readConfiguration(from: string): ProcessConfiguration {
	const refused = (what: string, cause?: unknown): SafekitError =>
		new SafekitError("REPLICATION_CONFIG", `the configuration of the replication process: ${what}`, { cause });
	let value: unknown;
	try {
		value = JSON.parse(from);
	} catch (cause) {
		throw refused(String(cause), cause);
	}
	const wrong = wrongKey(shape, value);
	if (wrong === null) return value as ProcessConfiguration;
	// Never the whole of it: it holds the key.
	throw refused(wrong === "" ? "not an object" : `'${wrong}' is not what is expected`);
}
