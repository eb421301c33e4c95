/** How a program that made servers ends: at Ctrl-C, or when the process that started it is gone, at any moment and once. */

/** How often to look whether the process that started this one lives. Milliseconds. */
const watchMs = 100;

export class Ending {
	/** What is being done about it; null until it comes. */
	begun: Promise<void> | null = null;
	readonly #close: () => Promise<void>;
	readonly #asked = Promise.withResolvers<void>();

	constructor(close: () => Promise<void>) {
		this.#close = close;
	}

	/** `starter`: a process whose death ends this one, also if it died before this one could look. */
	watch(starter: number): void {
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#end());
		setInterval(() => process.ppid !== starter && this.#end(), watchMs).unref();
	}

	/** Until then the process stays. */
	async wait(): Promise<void> {
		const alive = setInterval(() => {}, 60_000);
		await this.#asked.promise;
		clearInterval(alive);
	}

	/** Resolves when it comes. */
	get asked(): Promise<void> {
		return this.#asked.promise;
	}

	#end(): void {
		this.begun ??= this.#close().then(() => process.exit(130));
		this.#asked.resolve();
	}
}
