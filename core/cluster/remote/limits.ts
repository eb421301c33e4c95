/** What commands for other servers may take, in time and in size; both sides alike. */
export const limits = {
	/** Until the other side has taken the connection. */
	connectMs: 5000,
	/** Until the keys are proven. */
	handshakeMs: 10_000,
	/** Until the request is there, without what comes along with it. */
	requestMs: 10_000,
	/** Each side says so often that it is there; one that does not is gone. Commands themselves may take as long as they like. */
	aliveEveryMs: 5000,
	silenceMs: 30_000,
	/** Of a request, and of one line of an answer. */
	lineBytes: 32 * 1024 * 1024,
	requestBytes: 1024 * 1024,
	/** What comes along with a request: the largest package. */
	bodyBytes: 256 * 1024 * 1024,
	/** The same from who has proven nothing: a configuration. */
	strangerBytes: 4 * 1024 * 1024,
	/** Of one server's answer to one command. */
	answerBytes: 16 * 1024 * 1024,
	/** Connections that a server serves at a time. */
	connections: 64,
	/** Servers of one command. */
	servers: 64,
};
