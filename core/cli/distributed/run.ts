/** Carries a command with `-H` out: on every server at once, and prints what each of them says (spec/04 §7). */
import { webSettings } from "../../api/settings.ts";
import { type ClusterConfiguration, readClusterConfiguration } from "../../cluster/configuration.ts";
import { consentUntil, endConsent } from "../../cluster/consent.ts";
import { forgetFormerKeys, formerKeys } from "../../cluster/formerKeys.ts";
import type { SharedKey } from "../../cluster/keyTls.ts";
import { packedCluster } from "../../cluster/operations.ts";
import { askServer, nameOf, type Request } from "../../cluster/remote/ask.ts";
import { commandKey, invitationIdentity, invitationKey } from "../../cluster/remote/keys.ts";
import { limits } from "../../cluster/remote/limits.ts";
import { type Target, targetsOf } from "../../cluster/remote/targets.ts";
import { nodeNames } from "../../cluster/self.ts";
import { asSafekitError, SafekitError } from "../../errors.ts";
import { errorAsJson, errorAsText } from "../../log/errorTexts.ts";
import { packedFolder } from "../../module/package/write.ts";
import type { Paths } from "../../module/paths.ts";
import { idOf } from "../../module/registry.ts";
import { type Call, printJson } from "../call.ts";
import type { NodeControl } from "../control.ts";
import type { Distributed } from "./read.ts";

/** Runs a command on this server. */
export type Here = (call: Call) => Promise<number>;

interface Work {
	/** For another server, and for this one. */
	request: Request;
	local: string[];
	/** Tried one after another with a server that does not hold the first. */
	keys: SharedKey[];
	/** With `--dry-run`. */
	would: string;
}

interface Said {
	target: Target;
	code: number;
	pieces: { to: "out" | "err"; text: string }[];
	error: SafekitError | null;
}

/** Returns the worst exit code of all servers. */
export async function runDistributed(call: Call, node: NodeControl, asked: Distributed, here: Here): Promise<number> {
	const { paths } = node;
	const configuration = await configurationOf(paths);
	const targets = targetsOf(asked.hosts, configuration?.cluster ?? null, webSettings(paths.safe).port);
	const own = await node.nodeName();
	const work = await workOf(asked, call, paths, configuration);
	if (asked.dryRun && asked.push !== "command") {
		for (const target of targets) call.out(`would ${work.would} ${nameOf(target)}\n`);
		return 0;
	}
	const one = (target: Target): Promise<Said> =>
		asking(target, (saying) => {
			const isHere = target.node !== null && target.node === own;
			return isHere ? here({ ...call, argv: work.local, ...saying }) : reach(target, work, saying, call.signal);
		});
	const all = targets.map(one);
	const said: Said[] = [];
	for (const pending of all) {
		const result = await pending;
		if (!asked.json) print(call, result);
		said.push(result);
	}
	if (asked.json) printJson(call, { servers: said.map(asJson) });
	if (asked.push === "cluster" && configuration !== null) await ended(paths, configuration, said);
	return Math.max(...said.map(({ code }) => code));
}

/** Null: none yet. */
async function configurationOf(paths: Paths): Promise<ClusterConfiguration | null> {
	try {
		return await readClusterConfiguration(paths);
	} catch (error) {
		if (error instanceof SafekitError && error.code === "CLUSTER_NOT_CONFIGURED") return null;
		throw error;
	}
}

async function workOf(
	asked: Distributed,
	call: Call,
	paths: Paths,
	configuration: ClusterConfiguration | null,
): Promise<Work> {
	const json = asked.json ? ["--json"] : [];
	const keys = configuration === null ? [] : [commandKey(configuration.key)];
	const { module } = call;
	switch (asked.push) {
		case "command":
			return { request: { argv: asked.argv, module }, local: asked.argv, keys, would: "" };
		case "cluster": {
			const argv = ["take-cluster", ...json];
			const more = (await formerKeys(paths)).map(commandKey);
			if ((await consentUntil(paths)) !== null) more.push(invitationKey);
			const body = await packedCluster(paths);
			return {
				request: { argv, module: undefined, body },
				local: argv,
				keys: [...keys, ...more],
				would: "bring configuration and key to",
			};
		}
		case "module": {
			const id = await idOf(paths, asked.module);
			const argv = ["take-module", "-m", asked.module, "--id", String(id), ...(asked.yes ? ["--yes"] : []), ...json];
			const body = await packedFolder(paths.module(asked.module).source);
			return {
				request: { argv, module: undefined, body },
				local: ["config", "-m", asked.module, ...json],
				keys,
				would: `install and configure ${asked.module} on`,
			};
		}
	}
}

/** With the first key that the other side holds: nothing was said before that is settled. */
async function reach(
	target: Target,
	{ request, keys }: Work,
	saying: Pick<Call, "out" | "err">,
	signal: AbortSignal,
): Promise<number> {
	let last: unknown = new SafekitError("CLUSTER_NOT_CONFIGURED", "this server has no cluster key for other servers");
	for (const key of keys) {
		try {
			const { code, check } = await askServer(target, key, request, saying, signal);
			if (key.identity === invitationIdentity) {
				saying.out(`Check code ${check}: \`safekit cmdlog\` there has the same, unless somebody stood between.\n`);
			}
			return code;
		} catch (error) {
			last = error;
			if (!(error instanceof SafekitError && error.code === "REMOTE_KEY")) break;
		}
	}
	throw last;
}

/** Collects what one server says, in its order; bounded. */
async function asking(target: Target, work: (saying: Pick<Call, "out" | "err">) => Promise<number>): Promise<Said> {
	const pieces: Said["pieces"] = [];
	let length = 0;
	const add = (to: "out" | "err", text: string): void => {
		length += text.length;
		if (length <= limits.answerBytes) pieces.push({ to, text });
	};
	try {
		const code = await work({ out: (text) => add("out", text), err: (text) => add("err", text) });
		return { target, code, pieces, error: null };
	} catch (thrown) {
		const error = asSafekitError(thrown);
		return { target, code: error.exit, pieces, error };
	}
}

function print(call: Call, { target, pieces, error }: Said): void {
	call.out(`---------------- Server=${target.server} ----------------\n`);
	for (const { to, text } of pieces) call[to](text);
	if (error !== null) call.err(errorAsText(error));
}

function asJson({ target: { server, node }, code, pieces, error }: Said): object {
	const of = (stream: "out" | "err"): string => pieces.map(({ to, text }) => (to === stream ? text : "")).join("");
	const output = of("out");
	const answer = error === null ? lastObject(output) : errorAsJson(error);
	return { server, node, code, answer, ...(answer === null ? { output } : {}), messages: of("err") };
}

/** What `--json` printed: the last line. */
function lastObject(output: string): unknown {
	try {
		return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
	} catch {
		return null;
	}
}

/** Every server has the key: what only helped to bring it there goes. */
async function ended(paths: Paths, { cluster }: ClusterConfiguration, said: readonly Said[]): Promise<void> {
	const reached = new Set(said.filter(({ code }) => code === 0).map(({ target }) => target.node));
	if (!nodeNames(cluster).every((name) => reached.has(name))) return;
	await forgetFormerKeys(paths);
	await endConsent(paths);
}
