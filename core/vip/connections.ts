/** `connections="on"` (spec/02 §5): how many TCP connections a virtual address has, as the resource `connections.<addr>`. */

const everyMs = 10_000;

export interface ConnectionOptions {
	/** As the configuration names them. */
	addresses: readonly string[];
	/** Literal address of a name. */
	resolve(addr: string): Promise<string>;
	/** Established connections of this server by local address; 0 where there are none. */
	count(addresses: readonly string[]): Promise<ReadonlyMap<string, number>>;
	set(resource: string, value: string): void;
	/** The module runs: otherwise nobody asks. */
	running(): boolean;
	failed(error: unknown): void;
}

export class ConnectionCounter {
	readonly #options: ConnectionOptions;
	#timer: NodeJS.Timeout | undefined;
	#counting = false;
	#said = "";

	constructor(options: ConnectionOptions) {
		this.#options = options;
	}

	start(): void {
		if (this.#options.addresses.length === 0 || this.#timer !== undefined) return;
		this.#timer = setInterval(() => void this.#count(), everyMs);
		void this.#count();
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
	}

	/** A count that takes longer than the interval is not overtaken by the next. */
	async #count(): Promise<void> {
		const { addresses, resolve, count, set, running } = this.#options;
		if (this.#counting) return;
		this.#counting = true;
		try {
			const literals = await Promise.all(addresses.map(resolve));
			const counts = running() ? await count(literals) : new Map<string, number>();
			if (this.#timer === undefined) return;
			for (const [index, addr] of addresses.entries()) {
				set(`connections.${addr}`, String(counts.get(literals[index] ?? "") ?? 0));
			}
			this.#said = "";
		} catch (error) {
			this.#tell(error);
		} finally {
			this.#counting = false;
		}
	}

	/** The same trouble is told once. */
	#tell(error: unknown): void {
		const text = String(error);
		if (text !== this.#said) this.#options.failed(error);
		this.#said = text;
	}
}
