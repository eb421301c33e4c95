/** A few at a time; the others wait, no longer than their time allows. */
export class Few {
	readonly #most: number;
	readonly #waiting: (() => void)[] = [];
	#running = 0;

	constructor(most: number) {
		this.#most = most;
	}

	/** Rejects when it takes longer; what was begun then goes on, and keeps its place until it ends. */
	async run<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
		return await new Promise((resolve, reject) => {
			const late = setTimeout(() => {
				const index = this.#waiting.indexOf(begin);
				if (index >= 0) this.#waiting.splice(index, 1);
				reject(new Error(`no answer within ${Math.round(timeoutMs)} ms`));
			}, timeoutMs);
			const begin = (): void => {
				this.#running += 1;
				void work()
					.then(resolve, reject)
					.finally(() => {
						clearTimeout(late);
						this.#running -= 1;
						this.#waiting.shift()?.();
					});
			};
			if (this.#running < this.#most) begin();
			else this.#waiting.push(begin);
		});
	}
}
