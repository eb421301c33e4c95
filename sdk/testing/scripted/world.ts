/** What a test has scripted, by name: of one server, or of both where one has nothing of its own. */
import type { Behaviour } from "./behaviour.ts";
import { HttpPage, ScriptedAddress, ScriptedFile, ScriptedProgram, TcpPort } from "./things.ts";

/**
 * The outside world of one server, or of both (`cluster` itself has the same words).
 *
 * @example
 * cluster.http("http://127.0.0.1/health").answers(500);   // on both servers
 * n1.tcp("127.0.0.1:80").isClosed();                      // on n1 only
 */
export class ScriptedWorld {
	readonly #things = new Map<string, { behaviour: Behaviour<unknown> }>();

	/** A page, by the whole address that the checker asks for. */
	http(url: string): HttpPage {
		return this.#thing(`http ${new URL(url).href}`, HttpPage);
	}

	/** A port, as `host:port`; an IPv6 address in brackets. */
	tcp(place: `${string}:${number}`): TcpPort {
		return this.#thing(`tcp ${place.toLowerCase()}`, TcpPort);
	}

	/** A program that checkers run, by the name or path that they run it by. */
	program(name: string): ScriptedProgram {
		return this.#thing(`program ${name}`, ScriptedProgram);
	}

	/** A file that checkers read, by its path. */
	file(path: string): ScriptedFile {
		return this.#thing(`file ${path}`, ScriptedFile);
	}

	/** An address or name, as userconfig.xml has it. */
	address(name: string): ScriptedAddress {
		return this.#thing(`address ${name}`, ScriptedAddress);
	}

	#thing<T extends { behaviour: object }>(name: string, make: new () => T): T {
		const known = this.#things.get(name) as T | undefined;
		if (known !== undefined) return known;
		const made = new make();
		this.#things.set(name, made as unknown as { behaviour: Behaviour<unknown> });
		return made;
	}
}
