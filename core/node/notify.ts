/** What systemd is told of the daemon: that it is ready, that it lives, that it stops (sd_notify). */
import type { DatagramSender } from "../log/syslog.ts";

export class Notifier {
	readonly #sender: DatagramSender;
	readonly #socket: string | undefined;
	readonly #watchdogMs: number;
	#timer: NodeJS.Timeout | undefined;

	/** Reads NOTIFY_SOCKET and WATCHDOG_USEC; without them nothing is sent. */
	constructor(sender: DatagramSender, env: NodeJS.ProcessEnv) {
		this.#sender = sender;
		this.#socket = env.NOTIFY_SOCKET;
		const usec = Number(env.WATCHDOG_USEC ?? 0);
		this.#watchdogMs = Number.isFinite(usec) ? usec / 1000 : 0;
	}

	/** Ready to answer commands. From here on a sign of life is sent three times a watchdog interval. */
	ready(): void {
		this.#send("READY=1");
		if (this.#watchdogMs > 0) this.#timer = setInterval(() => this.#send("WATCHDOG=1"), this.#watchdogMs / 3);
	}

	stopping(): void {
		clearInterval(this.#timer);
		this.#send("STOPPING=1");
	}

	#send(text: string): void {
		if (this.#socket) this.#sender.send(this.#socket, Buffer.from(text));
	}
}
