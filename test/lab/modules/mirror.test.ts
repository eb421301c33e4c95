/** A module in an afternoon: from an empty folder to two servers that run it. */
import { labTest } from "../open.ts";
import { Newcomer } from "./newcomer.ts";

labTest("create, check, test, pack and try a mirror", { withinMs: 5 * 60_000 }, async (t) => {
	const newcomer = new Newcomer();
	try {
		await newcomer.module("create x");
		t.regex(await newcomer.module("check x"), /^x: no error$/m);
		t.regex(await newcomer.module("test x"), /^x: 3 passed$/m);
		newcomer.edit("x/conf/userconfig.xml", "<heart>", '<heart timeout="3s" pulse="300ms">');
		await newcomer.module("pack x");
		t.deepEqual(newcomer.files, ["x", "x.safe"]);
		const trial = JSON.parse(await newcomer.module("try x.safe --once --json"));
		t.like(trial, { module: "x", mode: "mirror", dataFollowed: true });
		t.true(trial.failoverMs > 1000 && trial.returnMs > 0);
		const seen = trial.states.map((each: Record<string, string>) => `${each.node} ${each.state} ${each.status}`);
		for (const state of [
			"server0 PRIM Ready",
			"server1 ALONE Ready",
			"server0 SECOND Ready",
			"server1 STOP NotReady",
		]) {
			t.true(seen.includes(state), `${state}: ${seen.join(", ")}`);
		}
	} finally {
		newcomer.remove();
	}
});
