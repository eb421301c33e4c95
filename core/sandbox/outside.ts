/**
 * Everything that a TypeScript checker can reach (design §4). Whoever runs a checker hands one in: the real one
 * (core/sandbox/real) or one that a test scripts. Permissions were judged before it is asked; the real one judges the
 * addresses behind names as well.
 */

/** Most that is sent or received in one go, in bytes. */
export const bodyLimit = 1024 * 1024;

export interface HttpRequest {
	method: "GET" | "POST";
	/** `http:` or `https:`, without user or password. */
	url: string;
	/** Names in lower case. */
	headers: Readonly<Record<string, string>>;
	/** What is sent; null: nothing. */
	body: string | null;
	timeoutMs: number;
	tls: TlsOptions;
}

/** How the server on the other side has to prove who it is. */
export interface TlsOptions {
	/** Certificates (PEM) that are trusted instead of those of the system. */
	ca?: string;
	/** The name that the certificate must have, where it is another one than that of the address. */
	servername?: string;
	/** False: any certificate will do; the answer may come from anyone. Default true. */
	verify?: boolean;
}

/** What a server answered. */
export interface HttpAnswer {
	/** Status as it came; redirects are not followed. */
	status: number;
	/** Names in lower case; what came several times is joined with `, `. */
	headers: Readonly<Record<string, string>>;
	/** UTF-8, at most 1 MiB: a longer answer is an error. */
	body: string;
}

export interface TcpRequest {
	host: string;
	/** 1 to 65535. */
	port: number;
	timeoutMs: number;
	/** Speaks TLS from the first byte on. */
	tls: TlsOptions | null;
}

/** What is received: up to and with a text, a number of bytes, or (neither) whatever comes first. */
export interface TcpReceive {
	until?: string;
	bytes?: number;
	timeoutMs: number;
}

export interface TcpLine {
	/** Rejects when the other side does not take it in time. */
	send(data: string, timeoutMs: number): Promise<void>;
	/** UTF-8. Empty: the other side has closed and nothing is left. */
	receive(what: TcpReceive): Promise<string>;
	close(): void;
}

export interface ExecOptions {
	timeoutMs: number;
	/** Most that is kept of each output, in bytes; what is beyond is thrown away. */
	maxBytes: number;
}

/** How a program ended, and what it printed. */
export interface ExecAnswer {
	/** Exit code; null: it was ended by a signal. */
	code: number | null;
	stdout: string;
	stderr: string;
}

/** Each call rejects with an Error whose message a person can read; none outlives its `timeoutMs` by much. */
export interface Outside {
	http(request: HttpRequest): Promise<HttpAnswer>;
	tcp(request: TcpRequest): Promise<TcpLine>;
	/** Runs a program of the system (absolute path) or of the package (name in bin/), never through a shell. */
	exec(program: string, args: readonly string[], options: ExecOptions): Promise<ExecAnswer>;
	/** The text of a file, UTF-8, at most 1 MiB. */
	readFile(path: string): Promise<string>;
	/** A service of the system. */
	service(name: string): Promise<"up" | "down" | "unknown">;
	/** How many processes with that name run. */
	process(name: string): Promise<number>;
	/** A resource of the checker's own module, such as `tcp.web`; null: there is none. */
	resource(name: string): string | null;
	/** Milliseconds since 1970. */
	now(): number;
}
