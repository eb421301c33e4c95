/** What the daemon and the process of the isolates say to each other. */
export interface SourceFile {
	/** Relative to the package's bin/, with `/`. */
	name: string;
	/** JavaScript, each character where it was in the TypeScript. */
	code: string;
}

export type ToProcess =
	/** First of all: the sources of what runs inside each isolate. */
	| { type: "library"; driver: string; checker: string }
	| {
			type: "load";
			id: number;
			/** Checkers of one group may share an isolate. */
			group: string;
			/** It gets an isolate of its own in any case. */
			alone: boolean;
			memoryMb: number;
			entry: string;
			files: SourceFile[];
	  }
	| { type: "drop"; id: number }
	/** `input`: JSON of what `ctx` holds; not there: the same as in the run before. */
	| { type: "start"; id: number; run: number; nowMs: number; input?: string }
	| { type: "answer"; id: number; run: number; call: number; isWell: boolean; value: string; nowMs: number }
	| { type: "end"; id: number; run: number };

/** Why an isolate had to go. */
export type Fault = "cpu" | "memory" | "time";

export type FromProcess =
	| { type: "ready" }
	/** `said`: what `begin` of the driver said. */
	| { type: "loaded"; id: number; said: string }
	| { type: "notLoaded"; id: number; why: string }
	/** What came out of the isolate. */
	| { type: "out"; id: number; run: number; out: string }
	/** The run ended without a word of the checker. */
	| { type: "failed"; id: number; run: number; why: string }
	/** It took so long that others would have had to wait; another try will not disturb them. */
	| { type: "cut"; id: number; run: number }
	| { type: "ended"; id: number; run: number }
	/** An isolate is gone with all that was in it; one is to blame. */
	| { type: "gone"; ids: number[]; culprit: number; fault: Fault };
