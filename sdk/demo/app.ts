/**
 * The demo's application: a web service that appends to files in the replicated directory and answers after fsync.
 * Usage: app.ts DIRECTORY PORT. POST /append with an id as the body; GET /ids lists every id; GET / shows a page.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";

const [directory = ".", port = "8080"] = process.argv.slice(2);
/** Ids in one file: small, so that the demo makes many files and not only one large one. */
const idsPerFile = 500;
const maxIdBytes = 100;

mkdirSync(directory, { recursive: true });
let count = readIds().length;
let file = openFile();

function openFile(): number {
	const number = Math.floor(count / idsPerFile);
	const descriptor = openSync(join(directory, `ids-${String(number).padStart(6, "0")}`), "a");
	const folder = openSync(directory, "r");
	fsyncSync(folder);
	closeSync(folder);
	return descriptor;
}

function append(id: string): void {
	writeSync(file, `${id}\n`);
	fsyncSync(file);
	count++;
	if (count % idsPerFile !== 0) return;
	closeSync(file);
	file = openFile();
}

function readIds(): string[] {
	const names = readdirSync(directory).filter((name) => name.startsWith("ids-"));
	return names.sort().flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean));
}

function page(): string {
	return `<!doctype html><meta charset="utf-8"><title>Opensafe demo</title>
<p>${count} entries are kept, and <b>${hostname()}</b> serves them.</p>\n`;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
	if (request.method === "POST" && request.url === "/append") {
		let id = "";
		for await (const part of request.setEncoding("utf8")) id += part;
		if (!/^[\w.-]+$/.test(id) || id.length > maxIdBytes) {
			response.writeHead(400).end("an id is one word\n");
			return;
		}
		append(id);
		response.writeHead(200, { "x-node": hostname() }).end("kept\n");
	} else if (request.url === "/ids") {
		response.writeHead(200, { "content-type": "text/plain" }).end(readIds().join("\n"));
	} else {
		response.writeHead(200, { "content-type": "text/html" }).end(page());
	}
}

const server = createServer((request, response) => {
	answer(request, response).catch((error: Error) => {
		if (!response.headersSent) response.writeHead(500);
		response.end(`${error.message}\n`);
	});
});
server.listen(Number(port), "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
