/**
 * Says of a capture on the clients' cable which server answered whom, and whether two ever answered one. Servers are
 * told apart by the address that their frames come from. Pure.
 */
import { asInFrames, type Frame, flag } from "./frames.ts";

export interface Verdict {
	/** Connections, and UDP exchanges, in which a server said anything at all. */
	answered: number;
	/** Connections that got no answer at all. */
	unanswered: number;
	/** Frames that came from none of the servers, such as a virtual MAC: a switch would learn it. */
	foreign: string[];
	/** What two servers answered: connection, and servers with the time of each one's first frame. */
	twice: string[];
	/** Connections that another server than theirs reset: theirs is gone, and their clients are told so. */
	resetByAnother: number;
	/** Connections by the server that answered. */
	perServer: Record<string, number>;
	/** How often the server of a client's new connections changed, at most, over all clients. */
	mostChanges: number;
	/** Resets that came from servers. */
	resets: number;
}

interface Exchange {
	client: string;
	servers: Map<string, number>;
	/** Of the SYN; of a question over UDP its number. */
	sequence: number;
	/** Its frames, for whoever wants to know how it came to that. */
	story: string[];
}

/** One that has this many findings is told no more. */
const maxFindings = 20;
const maxStory = 40;
/** Connections of one port that are remembered, and how much of a request may be acknowledged in each. */
const [maxEarlier, maxRequestBytes] = [8, 2 ** 22];

/**
 * `servers`: name by MAC. `virtual`: the addresses that clients ask. Frames must be in the order of their times.
 * A connection is one SYN number of one client's port: a port that is used again is another one, and a late frame of a
 * server belongs to the one that it acknowledges. Of UDP each question is an exchange of its own.
 */
export function judge(
	frames: readonly Frame[],
	servers: Readonly<Record<string, string>>,
	virtual: readonly string[],
): Verdict {
	const addresses = new Set(virtual.map(asInFrames));
	const verdict = { answered: 0, unanswered: 0, perServer: {}, mostChanges: 0, resets: 0, resetByAnother: 0 };
	const foreign = new Set<string>();
	const twice = new Map<string, Exchange>();
	const exchanges: Exchange[] = [];
	const current = new Map<string, Exchange[]>();
	for (const frame of frames) {
		if (frame.proto !== "tcp" && frame.proto !== "udp") continue;
		if (addresses.has(frame.to)) {
			open(frame, current, exchanges);
			note(current.get(key(frame, "question"))?.[0], frame, "client");
		}
		if (!addresses.has(frame.from)) continue;
		const server = servers[frame.fromMac];
		if (server === undefined) {
			foreign.add(frame.fromMac);
			continue;
		}
		if (frame.flags & flag.rst && frame.proto === "tcp") verdict.resets++;
		const exchange = meant(frame, current.get(key(frame, "answer")) ?? []);
		note(exchange, frame, server);
		if (exchange === undefined || exchange.servers.has(server)) continue;
		if (frame.proto === "tcp" && frame.flags & flag.rst && exchange.servers.size > 0) {
			verdict.resetByAnother++;
			continue;
		}
		exchange.servers.set(server, frame.atMs);
		if (exchange.servers.size > 1) twice.set(describe(frame, exchange), exchange);
	}
	count(exchanges, verdict);
	const told = [...twice].slice(0, maxFindings).map(([what, { story }]) => `${what}; ${story.join(", ")}`);
	return { ...verdict, foreign: [...foreign].slice(0, maxFindings), twice: told };
}

/** A new exchange where a client begins one; a SYN that is sent again belongs to the first. */
function open(frame: Frame, current: Map<string, Exchange[]>, exchanges: Exchange[]): void {
	const isTcp = frame.proto === "tcp";
	if (isTcp && (frame.flags & (flag.syn | flag.ack)) !== flag.syn) return;
	const name = key(frame, "question");
	const before = current.get(name) ?? [];
	if (before.some(({ sequence }) => !isTcp || sequence === frame.sequence)) return;
	const made = {
		client: `${frame.proto} ${frame.from} ${isTcp ? "" : frame.sequence}`,
		servers: new Map<string, number>(),
		story: [],
		sequence: frame.sequence,
	};
	current.set(name, [made, ...before].slice(0, maxEarlier));
	exchanges.push(made);
}

/** The newest, unless it acknowledges what the client said in an earlier one. */
function meant({ flags, acknowledged }: Frame, exchanges: readonly Exchange[]): Exchange | undefined {
	const isOf = ({ sequence }: Exchange): boolean => (acknowledged - sequence) >>> 0 <= maxRequestBytes;
	return ((flags & flag.ack) !== 0 ? exchanges.find(isOf) : undefined) ?? exchanges[0];
}

function note(exchange: Exchange | undefined, { flags, sequence, atMs }: Frame, who: string): void {
	if (exchange === undefined || exchange.story.length >= maxStory) return;
	const names = Object.entries(flag).filter(([, bit]) => (flags & bit) !== 0);
	exchange.story.push(`${who} ${names.map(([name]) => name).join("+")} ${sequence} at ${atMs.toFixed(1)}`);
}

function count(
	exchanges: readonly Exchange[],
	verdict: Pick<Verdict, "answered" | "unanswered" | "perServer" | "mostChanges">,
): void {
	const last = new Map<string, { server: string; changes: number }>();
	for (const { client, servers } of exchanges) {
		const [server] = servers.keys();
		if (server === undefined) {
			verdict.unanswered++;
			continue;
		}
		verdict.answered++;
		verdict.perServer[server] = (verdict.perServer[server] ?? 0) + 1;
		const before = last.get(client);
		const changes = before === undefined ? 0 : before.changes + (before.server === server ? 0 : 1);
		last.set(client, { server, changes });
		verdict.mostChanges = Math.max(verdict.mostChanges, changes);
	}
}

function describe(frame: Frame, { servers }: Exchange): string {
	const who = [...servers].map(([name, atMs]) => `${name} at ${atMs.toFixed(1)}`).join(", ");
	return `${frame.proto} ${frame.to}:${frame.toPort} → ${frame.from}:${frame.fromPort}: ${who}`;
}

function key({ proto, from, fromPort, to, toPort, sequence }: Frame, is: "question" | "answer"): string {
	const ends = is === "question" ? `${from} ${fromPort} ${to} ${toPort}` : `${to} ${toPort} ${from} ${fromPort}`;
	return `${proto} ${ends} ${proto === "udp" ? sequence : ""}`;
}
