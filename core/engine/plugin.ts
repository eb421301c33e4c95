/** What a plugin is (design §3). The node loads plugin folders by name and hands each a kernel to register with. */
import type { AttributeDeclaration, ElementDeclaration } from "../schema/declare.ts";
import type { Value } from "../schema/values.ts";
import type { Automaton } from "./contract.ts";

/** A mode of modules. The node treats the automaton's state as plain JSON that only the automaton understands. */
export interface ModeDeclaration {
	// biome-ignore lint/suspicious/noExplicitAny: the state belongs to the automaton; nobody else looks into it
	automaton: Automaton<any>;
	/** Which services the mode works with; the node starts no other for its modules. */
	uses: readonly ("heartbeat" | "vip" | "replication" | "scripts")[];
}

/**
 * A kind of checker: an element of `<check>` with the attributes `ident`, `when` and `action`, and a `<to>` with
 * `interval`, `timeout` and the attributes of the kind. The resource is `<name>.<ident>`.
 */
export interface CheckerKind {
	/** Name of the element: lower-case letters, digits and `-`, at most 32. */
	name: string;
	/** What it tests, one sentence for the reference. */
	doc: string;
	/** Attributes of its `<to>`. */
	attributes: Readonly<Record<string, AttributeDeclaration>>;
	/**
	 * Tests once. What it throws, and no answer within `timeout`, count as down. Runs in a thread of the plugin's own,
	 * which is ended where it does not give way.
	 */
	test(target: CheckerTarget, signal: AbortSignal): Promise<CheckerAnswer>;
}

/** What one checker of a kind tests. */
export interface CheckerTarget {
	/** Name of the module. */
	module: string;
	/** The attributes of its `<to>`: times in milliseconds, on/off as boolean; absent: not written, and no default. */
	values: Readonly<Record<string, Value | undefined>>;
	/** The elements of plugins in the module's `<service>`, by name, with their attributes as in `values`. */
	elements: Readonly<Record<string, readonly Readonly<Record<string, Value | undefined>>[]>>;
}

/** What a test found. */
export interface CheckerAnswer {
	up: boolean;
	/** In words, for the log: at most 300 characters count. */
	why: string;
}

/** An element of a module's userconfig.xml as advice sees it. Plain data. */
export interface AdvisedElement {
	name: string;
	/** Times in milliseconds, on/off as boolean; absent: not written, and no default. */
	values: Readonly<Record<string, Value | undefined>>;
	children: readonly AdvisedElement[];
	/** Where it stands in userconfig.xml, from 1. */
	line: number;
	column: number;
}

/** A module as advice sees it. Plain data. */
export interface AdvisedModule {
	/** `<service>`, macros expanded. */
	service: AdvisedElement;
	/** Files of the package. `text` null: it is over 256 KiB or no UTF-8, or 8 MiB of the others are enough. */
	files: readonly { name: string; bytes: number; text: string | null }[];
}

/** One thing that the author of a module, or who installs it, should know. */
export interface AdviceFinding {
	/** An error keeps the module from being packed and configured; default: warning. */
	severity?: "error" | "warning";
	message: string;
	/** What to do about it. */
	remedy: string;
	/** The element that it is about. */
	at?: AdvisedElement;
	/** Or the file, with its name in the package, and the line from 1. */
	file?: string;
	line?: number;
}

/** What `module check`, `confcheck` and `config` warn about. It has 10 s; what it throws is told and stops nothing. */
export type Advice = (module: AdvisedModule) => AdviceFinding[] | Promise<AdviceFinding[]>;

/** A module template that a plugin stands behind. */
export interface TemplateDeclaration {
	/** As a module would be called. */
	name: string;
	/** What it is for, one sentence. */
	doc: string;
	/** Below the plugin's folder; holds conf/userconfig.xml. */
	folder: string;
}

/** What `setup` may register. Everything counts only if the whole setup succeeds. */
export interface Kernel {
	modes: { add(mode: ModeDeclaration): void };
	/** userconfig.xml elements that the plugin understands: of its modes, or without a mode of every `<service>`. */
	elements: { add(...elements: readonly ElementDeclaration[]): void };
	checkers: { add(kind: CheckerKind): void };
	advice: { add(advice: Advice): void };
	catalogue: { add(template: TemplateDeclaration): void };
}

/** A plugin: what `definePlugin` declares. */
export interface Plugin {
	/** Lower-case letters, digits and `-`, at most 32. */
	name: string;
	/** semver. */
	version: string;
	/** semver range of the core that it was written for. */
	requires: { core: string };
	setup(kernel: Kernel): void;
}
