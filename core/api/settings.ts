/**
 * Where the web service listens: `$SAFE/web/conf/httpd.conf`, with the lines that its readers know (spec/05 §6):
 * `Define httpport 9010`, and `Define httpaddress ADDRESS` for one address instead of all. Everything else in it is
 * left alone. What stands there counts from the next start of the daemon.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

export interface WebSettings {
	port: number;
	/** Null: every address of this server. */
	address: string | null;
	/** What is wrong with the file, in sentences; the defaults count then. */
	problems: string[];
}

export const defaultPort = 9010;
/** Of a file that somebody has pasted something else into, no more is read. */
const longestFile = 1024 * 1024;

export function webSettings(safe: string): WebSettings {
	const file = join(safe, "web/conf/httpd.conf");
	let text: string;
	try {
		text = readFileSync(file, "utf8").slice(0, longestFile);
	} catch (error) {
		const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
		return { port: defaultPort, address: null, problems: missing ? [] : [`${file} cannot be read`] };
	}
	const defined = new Map(
		[...text.matchAll(/^[ \t]*Define[ \t]+(\w+)[ \t]+(\S+)/gm)].map(([, name, value]) => [name, value]),
	);
	const [port = String(defaultPort), address] = [defined.get("httpport"), defined.get("httpaddress")];
	const problems: string[] = [];
	const goodPort = /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
	if (!goodPort) problems.push(`${file}: httpport is '${port}', ${defaultPort} is used; expected a number up to 65535`);
	const goodAddress = address === undefined || isIP(address) !== 0;
	if (!goodAddress) problems.push(`${file}: httpaddress is '${address}', all are used; expected an IP address`);
	return { port: goodPort ? Number(port) : defaultPort, address: goodAddress ? (address ?? null) : null, problems };
}
