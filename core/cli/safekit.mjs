/**
 * The `safekit` command. Plain JavaScript with nothing to load: scripts call it in loops, so it only hands its
 * arguments to the daemon and copies the answer. What needs no daemon runs here, from local.ts.
 *
 * Wire: one line of JSON to `$SAFEVAR/run/daemon.sock`, then lines of JSON back: {"o": text for stdout},
 * {"e": text for stderr}, {"x": exit code} last. Closing the connection ends a command that follows something.
 */
import { connect } from "node:net";

const args = process.argv.slice(2);
const socketPath = `${process.env.SAFEVAR || "/var/safekit"}/run/daemon.sock`;
const attempts = 10;

if (isLocal()) {
	const { runLocal } = await import("./local.ts");
	process.exitCode = await runLocal(args);
} else {
	call(0);
}

/** Commands that need neither daemon nor `$SAFE` (interfaces.md). The text of a message is never an option. */
function isLocal() {
	if (args[0] === "-H") return args.includes("--help");
	const [first, second] = args.filter((word) => !word.startsWith("-"));
	if (first === undefined || first === "schema" || first === "simulate" || first === "help") return true;
	if (first === "module" && ["check", "create", "test", "try", "pack", "diff", "sign", "verify"].includes(second))
		return true;
	if (args[0] === "-r") return true;
	const words = first.startsWith("print") ? args.slice(0, 2) : args;
	return words.includes("--help") || words.includes("-h") || words[0] === "--version" || words[0] === "-p";
}

/** One attempt a second, because the daemon may just be restarting; then the documented message. */
function call(attempt) {
	const socket = connect(socketPath);
	let connected = false;
	let code;
	let rest = "";
	socket.setEncoding("utf8");
	socket.on("connect", () => {
		connected = true;
		if (attempt > 0) process.stderr.write("\n");
		const { SAFEMODULE } = process.env;
		const call = { argv: args, module: SAFEMODULE, uid: process.getuid?.() ?? 0, cwd: process.cwd(), pid: process.pid };
		socket.write(`${JSON.stringify({ ...call, tty: process.stdout.isTTY === true })}\n`);
	});
	socket.on("data", (text) => {
		const lines = (rest + text).split("\n");
		rest = lines.pop();
		let full = false;
		for (const line of lines) {
			const frame = JSON.parse(line);
			if (frame.o !== undefined) full = !process.stdout.write(frame.o) || full;
			if (frame.e !== undefined) process.stderr.write(frame.e);
			if (frame.x !== undefined) code = frame.x;
		}
		if (full) {
			socket.pause();
			process.stdout.once("drain", () => socket.resume());
		}
	});
	socket.on("error", (error) => {
		if (!connected) notConnected(attempt, error);
	});
	socket.on("close", () => {
		if (!connected) return;
		if (code === undefined)
			fail(
				"the daemon ended during the command",
				"Look at the state with `safekit state`, then give the command again.",
			);
		else process.exitCode = code;
	});
	// `safekit logview | head` ends quietly.
	process.stdout.on("error", () => process.exit(0));
}

function notConnected(attempt, error) {
	if (error.code === "EACCES")
		return fail("only root may give commands", "Run the command as root, for example with sudo.");
	if (error.code === "EAGAIN" && attempt < attempts) return setTimeout(call, 100, attempt);
	if (attempt === 0) process.stderr.write("Waiting for safeadmin ");
	process.stderr.write(".");
	if (attempt + 1 < attempts) return setTimeout(call, attempt === 0 ? 300 : 1000, attempt + 1);
	process.stderr.write("\n");
	fail(
		"safeadmin administrator daemon not running",
		"Start it with `systemctl start safeadmin`; if this server was never set up, run `npm run setup` in the product's folder.",
	);
}

function fail(message, remedy) {
	if (args.includes("--json"))
		process.stdout.write(`${JSON.stringify({ error: { code: "DAEMON", message, remedy } })}\n`);
	else process.stderr.write(`Error: ${message}\n${remedy}\n`);
	process.exitCode = 1;
}
