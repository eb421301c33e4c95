/** Trials of light modules: one that starts a real service under real systemd, and one that fails. */
import { labTest } from "../open.ts";
import { Newcomer } from "./newcomer.ts";

const needs = ["systemd/systemd"];

labTest("create, test, pack and try a light module with a service", { withinMs: 10 * 60_000, needs }, async (t) => {
	const newcomer = new Newcomer();
	try {
		await newcomer.module("create rules --mode light --os linux,windows --service nftables");
		t.regex(await newcomer.module("test rules"), /^rules: 2 passed$/m);
		await newcomer.module("pack rules");
		const { exitCode, stdout, stderr } = await newcomer.attempt("try rules.safe --once --json");
		t.is(exitCode, 0, stderr);
		t.like(JSON.parse(stdout), { module: "rules", mode: "light", failoverMs: null, dataFollowed: null });
		t.regex(stderr, /custom\.application on server0: up/);
	} finally {
		newcomer.remove();
	}
});

labTest("a trial that fails says what the module's scripts said", { withinMs: 3 * 60_000 }, async (t) => {
	const newcomer = new Newcomer();
	try {
		await newcomer.module("create broken --mode light --os linux");
		newcomer.edit(
			"broken/bin/start_both",
			"read_services",
			'echo "no licence here"; stop_module "no licence"; read_services',
		);
		const { exitCode, stdout, stderr } = await newcomer.attempt("try broken --once --json");
		t.is(exitCode, 1);
		t.like(JSON.parse(stdout).error, { code: "TRY_FAILED" });
		t.regex(stderr, /no licence here/);
		t.regex(stderr, /The servers are gone/);
	} finally {
		newcomer.remove();
	}
});
