/** Whoever connects to the target: a handshake begins, or a further connection joins the link that it belongs to. */
import type { Cancel, DataLoop } from "../loop/dataLoop.ts";
import type { System } from "../system.ts";
import { maxConnections } from "../wire/handshake.ts";
import { beginsJoin, joinBytes } from "../wire/join.ts";
import { Connection } from "./connection.ts";
import type { Greeter } from "./greeting.ts";
import { Meeting, type MeetingOptions } from "./meeting.ts";

/** Handshakes that have not ended, at a time. */
const maxMeetings = 4;
/** Connections whose first bytes have not come, at a time. */
const maxStrangers = maxMeetings + maxConnections;
const strangerMs = 5000;

/** `done` is called when the meeting has ended, before what `MeetingOptions` tells of it. */
export type OptionsOfMeeting = (done: () => void) => MeetingOptions;

export class Reception {
	readonly #loop: DataLoop;
	readonly #system: System;
	readonly #greeter: Greeter;
	readonly #sendTimeoutMs: number;
	readonly #options: OptionsOfMeeting;
	readonly #strangers = new Map<Connection, Cancel>();
	readonly #meetings = new Set<Meeting>();

	constructor(loop: DataLoop, system: System, greeter: Greeter, sendTimeoutMs: number, options: OptionsOfMeeting) {
		this.#loop = loop;
		this.#system = system;
		this.#greeter = greeter;
		this.#sendTimeoutMs = sendTimeoutMs;
		this.#options = options;
	}

	/** Takes a connection over. The oldest of many gives way: who says nothing must not keep the right one out. */
	accept(fd: number): void {
		const [oldest] = this.#strangers.keys();
		if (this.#strangers.size >= maxStrangers && oldest !== undefined) this.#sendAway(oldest);
		const none = { received: () => {}, ended: () => {} };
		const connection = new Connection(this.#loop, this.#system, fd, this.#sendTimeoutMs, none);
		this.#strangers.set(
			connection,
			this.#loop.timer(strangerMs, () => this.#sendAway(connection)),
		);
		let said: Buffer = Buffer.alloc(0);
		connection.handOver({
			received: (bytes) => {
				said = Buffer.concat([said, bytes]);
				if (!beginsJoin(said)) this.#meet(connection, said);
				else if (said.length >= joinBytes) this.#join(connection, said);
			},
			ended: () => this.#sendAway(connection),
		});
	}

	close(): void {
		for (const connection of [...this.#strangers.keys()]) this.#sendAway(connection);
		for (const meeting of this.#meetings) meeting.cancel();
		this.#meetings.clear();
	}

	#known(connection: Connection): void {
		this.#strangers.get(connection)?.cancel();
		this.#strangers.delete(connection);
	}

	#sendAway(connection: Connection): void {
		this.#known(connection);
		connection.close();
	}

	#meet(connection: Connection, said: Buffer): void {
		this.#known(connection);
		const [oldest] = this.#meetings;
		if (this.#meetings.size >= maxMeetings && oldest !== undefined) {
			this.#meetings.delete(oldest);
			oldest.cancel();
		}
		const options = this.#options(() => this.#meetings.delete(meeting));
		const meeting: Meeting = new Meeting(this.#loop, this.#greeter, connection, null, options);
		this.#meetings.add(meeting);
		meeting.received(said);
	}

	#join(connection: Connection, request: Buffer): void {
		this.#known(connection);
		for (const meeting of this.#meetings) if (meeting.join(connection, request)) return;
		connection.close();
	}
}
