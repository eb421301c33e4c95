import test from "ava";
import { scriptEnvironment } from "../../core/scripts/environment.ts";
import { runScript } from "../../core/scripts/run.ts";
import { makePlace } from "./place.ts";

/** What systemd gives a service, and what a daemon started by npm has. */
const daemon = {
	PATH: "/srv/project/node_modules/.bin:/usr/bin:/opt/tools/bin:relative",
	LANG: "de_DE.UTF-8",
	JAVA_HOME: "/usr/lib/jvm",
	NOTIFY_SOCKET: "/run/systemd/notify",
	WATCHDOG_USEC: "30000000",
	NODE_OPTIONS: "--import x",
	npm_config_cache: "/root/.npm",
	SERVICES: "of the daemon, not of the module",
};
const vars = [
	{ name: "SERVICES", value: "a, b" },
	{ name: "SAFE", value: "/elsewhere" },
];
/** Prints its environment without the variables that bash itself sets. */
const printer = "#!/bin/bash\nenv | grep -vE '^(SHLVL|PWD|OLDPWD|_)=' | sort\n";

test("a script sees exactly the documented variables, the module's own, and the system's", async (t) => {
	const place = makePlace(daemon);
	t.teardown(place.remove);
	place.script("start_prim", printer);
	const running = await runScript(place.request("start_prim", { vars }), place.context);
	await running?.ended;
	const { safe, safevar, safebin } = place.paths;
	t.deepEqual(place.userlog(running?.userlog).trimEnd().split("\n").slice(1), [
		"HOME=/root",
		"JAVA_HOME=/usr/lib/jvm",
		"LANG=de_DE.UTF-8",
		"LOGNAME=root",
		`PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/tools/bin:${safe}`,
		`SAFE=${safe}`,
		`SAFEBIN=${safebin}`,
		"SAFEMODULE=app",
		`SAFEUSERBIN=${safe}/private/modules/app/bin`,
		`SAFEUSERCONF=${safe}/private/modules/app/conf`,
		`SAFEUSERVAR=${safevar}/modules/app`,
		`SAFEVAR=${safevar}`,
		"SERVICES=a, b",
		"SHELL=/bin/sh",
		"USER=root",
	]);
});

test("_rfs_callback does not see the variables of <user>", async (t) => {
	const place = makePlace(daemon);
	t.teardown(place.remove);
	place.script("_rfs_callback", '#!/bin/bash\necho "$1 $(printenv SERVICES || echo none) $SAFEUSERVAR"\n');
	const request = place.request("_rfs_callback", { vars, args: ["_rfs_startsynch"] });
	const running = await runScript(request, place.context);
	await running?.ended;
	t.true(place.userlog(running?.userlog).endsWith(`\n_rfs_startsynch none ${place.module.userVar}\n`));
});

test("a language is not forced, and a module may have its own PATH but not its own SAFE", (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	const about = { paths: place.paths, module: "app", script: "start_prim" };
	const env = scriptEnvironment({ ...about, vars: [{ name: "PATH", value: "/x" }, ...vars] }, {}, "/usr/bin:/bin");
	t.is(env.PATH, "/x");
	t.is(env.SAFE, place.paths.safe);
	t.deepEqual(
		Object.keys(env).filter((name) => /^(LANG|LC_)/.test(name)),
		[],
	);
});

test("values with quotes, blanks and line ends arrive as they are", async (t) => {
	const place = makePlace();
	t.teardown(place.remove);
	const value = "a \"b\" 'c' $HOME `id` ü\nsecond";
	place.script("start_prim", '#!/bin/bash\nprintf %s "$ODD"\n');
	const running = await runScript(place.request("start_prim", { vars: [{ name: "ODD", value }] }), place.context);
	await running?.ended;
	t.true(place.userlog(running?.userlog).endsWith(`start_prim\n${value}`));
});
