/** `module create`: a new module, by options or by answers; needs no server. */
import { isIP } from "node:net";
import { relative } from "node:path";
import type { Command } from "commander";
import { SafekitError } from "../../errors.ts";
import { type Created, createModule, nameForFolder } from "../../module/create/create.ts";
import { type Mode, modes, type Plan, type System, systems, usualDirectory } from "../../module/create/plan.ts";
import { nearest } from "../../schema/suggest.ts";
import { type Ask, askFor } from "../ask.ts";
import { printJson } from "../call.ts";
import { type Context, inFolder, type ModuleOptions, plainCommand } from "../groups.ts";
import { pluginsOnce } from "../schema.ts";

interface CreateOptions extends ModuleOptions {
	mode?: string;
	os?: string;
	plugin?: string;
	service?: string;
	dir?: string;
	vip?: string;
	health?: string;
}

export function create(group: Command, context: Context): void {
	plainCommand(group, "create <name>", "make a new module: configuration, scripts, a checker, a test", [
		"module create mydb",
		"module create mydb --mode mirror --os linux --service postgresql --dir /var/lib/postgresql",
		"module create web --mode light --os linux,windows --service nginx --health http://127.0.0.1/",
	])
		.option("--mode <mode>", `${modes.join(", ")} (default: mirror)`)
		.option("--os <systems>", "linux, windows, or both separated by a comma (default: both)")
		.option("--service <names>", "services of the application, separated by commas, in the order in which they start")
		.option("--dir <directory>", "what a mirror replicates (default: /var/lib/NAME)")
		.option("--vip <address>", "the virtual address at which clients reach it")
		.option("--health <url>", "a page that answers 200 while the application works")
		.option("--plugin <name>", "the plugin that the module needs")
		.addHelpText("after", "\nAt a terminal it asks for what no option says; a script is asked nothing.\n")
		.action((name: string, options: CreateOptions) => run(context, name, options));
}

async function run(context: Context, where: string, options: CreateOptions): Promise<void> {
	const { call } = context;
	const folder = inFolder(context, where);
	const name = await nameForFolder(folder);
	const { ask, out: say } = call;
	const plan = await planOf(name, options, ask === undefined || options.json ? undefined : { ask, say });
	const made = await createModule(folder, plan);
	const shown = relative(call.cwd, folder) || folder;
	if (options.json) return printJson(call, { ...made, name, next: next(shown) });
	call.out(story(made, shown, plan));
}

/** In the words in which this command was given. */
function next(folder: string): string[] {
	const { npm_lifecycle_event: script, npm_config_local_prefix: project, INIT_CWD: caller } = process.env;
	const safekit = script === "safekit" && caller === project ? "npm run safekit --" : "safekit";
	return ["test", "try", "pack"].map((word) => `${safekit} module ${word} ${folder}`);
}

function story({ files }: Created, folder: string, plan: Plan): string {
	const [test, tryOut, pack] = next(folder);
	const width = Math.max(...[test, tryOut, pack].map((each) => each?.length ?? 0)) + 3;
	const line = (command: string | undefined, what: string): string => `  ${(command ?? "").padEnd(width)}${what}\n`;
	return `${folder}/ is a ${plan.mode} module for ${plan.systems.join(" and ")}:\n${files
		.map((file) => `  ${file}\n`)
		.join("")}\nNext:\n${line(test, "runs its tests on two simulated servers")}${line(
		tryOut,
		"runs the real thing on two servers made on this machine (as root)",
	)}${line(pack, `checks it and writes ${plan.name}.safe`)}`;
}

async function planOf(
	name: string,
	given: CreateOptions,
	person: { ask: Ask; say(text: string): void } | undefined,
): Promise<Plan> {
	// What is given is judged before anything is asked.
	const wish = <T>(option: string | undefined, read: (text: string) => T): T | undefined =>
		option === undefined ? undefined : read(option);
	const early = {
		mode: wish(given.mode, readMode),
		systems: wish(given.os, readSystems),
		services: wish(given.service, readServices),
		directory: wish(given.dir, readDirectory),
		address: wish(given.vip, readAddress),
		health: wish(given.health, readPage),
	};
	const plugin = given.plugin === undefined ? null : await readPlugin(given.plugin);
	const want = async <T>(
		known: T | undefined,
		question: string,
		usual: string,
		read: (text: string) => T,
	): Promise<T> =>
		known !== undefined ? known : person === undefined ? read(usual) : await askFor(person, question, usual, read);
	const mode = await want(early.mode, `Mode (${modes.join(", ")})`, "mirror", readMode);
	const on = await want(early.systems, "Systems (linux, windows)", "linux,windows", readSystems);
	const services = await want(early.services, "Services of the application, separated by commas", "", readServices);
	if (mode !== "mirror" && early.directory !== undefined)
		throw usage(`a ${mode} module replicates nothing: leave --dir out`);
	if (mode === "light" && early.address !== undefined)
		throw usage("a light module has no address that moves: leave --vip out");
	const usual = usualDirectory({ name, systems: on });
	const directory =
		mode === "mirror" ? await want(early.directory, "Directory to replicate", usual, readDirectory) : null;
	const address =
		mode === "light" ? null : await want(early.address, "Virtual IP address, or nothing", "", readAddress);
	const health = await want(early.health, "Page that answers 200 while it works, or nothing", "", readPage);
	return { ...{ name, mode, systems: on, plugin, services }, ...{ directory, address, health } };
}

function usage(message: string): SafekitError {
	return new SafekitError("USAGE", message, { remedy: "`safekit module create --help` shows the options." });
}

function readMode(text: string): Mode {
	const found = modes.find((mode) => mode === text.trim());
	if (found === undefined) throw usage(`there is no mode '${text}': ${modes.join(", ")}`);
	return found;
}

function readSystems(text: string): System[] {
	const words = text
		.split(",")
		.map((each) => each.trim())
		.filter(Boolean);
	const wrong = words.find((each) => !(systems as readonly string[]).includes(each));
	if (wrong !== undefined || words.length === 0) throw usage(`'${wrong ?? ""}' is no system: ${systems.join(", ")}`);
	return systems.filter((each) => words.includes(each));
}

function readServices(text: string): string[] {
	const names = text
		.split(",")
		.map((each) => each.trim())
		.filter(Boolean);
	const wrong = names.find((each) => each.length > 256 || /[\p{Cc}"'`$%<>|]/u.test(each));
	if (wrong !== undefined) throw usage(`'${wrong}' is no name of a service`);
	return names;
}

function readDirectory(text: string): string {
	if (!/^(\/|[A-Za-z]:[\\/])[^\p{Cc}%]+$/u.test(text)) throw usage(`'${text}' is no absolute path of a directory`);
	return text;
}

function readAddress(text: string): string | null {
	if (text !== "" && isIP(text) === 0) throw usage(`'${text}' is no IP address`);
	return text === "" ? null : text;
}

function readPage(text: string): URL | null {
	if (text === "") return null;
	const url = URL.canParse(text) ? new URL(text) : null;
	if (url === null || !/^https?:$/.test(url.protocol) || /[%\s]/.test(url.href)) {
		throw usage(`'${text}' is no address of a page, as http://127.0.0.1:8080/health`);
	}
	return url;
}

async function readPlugin(name: string): Promise<string> {
	const loaded = (await pluginsOnce()).loaded.map((plugin) => plugin.name);
	if (loaded.includes(name)) return name;
	const guess = nearest(name, loaded);
	throw usage(
		`there is no plugin '${name}'${guess === undefined ? `; loaded are ${loaded.join(", ")}` : `: did you mean ${guess}?`}`,
	);
}
