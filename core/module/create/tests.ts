/** tests/NAME.test.ts of a new module: what its author may rely on, in the words of opensafe/testing. */
import { type Plan, place } from "./plan.ts";

export function testText(plan: Plan): string {
	const tests = { mirror: mirrorTests, farm: farmTests, light: singleTests }[plan.mode](plan);
	return `/**
 * Runs the module on two simulated servers, n1 and n2, in virtual time: \`safekit module test\`. The rules and the checker
 * are the real ones; scripts are recorded, and what the checker asks for is scripted here.
 */
import assert from "node:assert/strict";
import { cluster, test } from "opensafe/testing";

${[...tests, failureTest(plan)].join("\n")}`;
}

function mirrorTests({ address, systems }: Plan): string[] {
	const scripts = systems.includes("linux") ? '\tassert.equal(both.n1.scriptRuns("start_prim").length, 1);\n' : "";
	const moved = address === null ? "" : "\tassert.ok(both.n2.hasAddress);\n";
	return [
		`test("the first server runs the application, the second one has its data", async () => {
	const both = await cluster();
	await both.start();
	assert.equal(both.n1.state, "PRIM");
	assert.equal(both.n2.state, "SECOND");
${scripts}});
`,
		`test("the second server takes over when the first one loses power, and gives its data back", async () => {
	const both = await cluster();
	await both.start();
	both.n1.losesPower();
	await both.n2.becomes("ALONE", { within: "2m" });
${moved}	await both.n1.getsPower();
	await both.n1.becomes("SECOND");
	assert.equal(both.n2.state, "PRIM");
});
`,
	];
}

function farmTests({ address, systems }: Plan): string[] {
	const scripts = systems.includes("linux")
		? '\tfor (const server of all.servers) assert.equal(server.scriptRuns("start_both").length, 1);\n'
		: "";
	const runs = `test("all servers run the application", async () => {
	const all = await cluster({ servers: 3 });
	await all.start();
	for (const server of all.servers) assert.equal(server.state, "UP");
${scripts}});
`;
	if (address === null) return [runs];
	return [
		runs,
		`test("a server that loses power or is stopped leaves its clients to the other one", async () => {
	const both = await cluster();
	const { n1, n2 } = both;
	await both.start();
	assert.equal(n1.load("clients_0"), 50);
	n1.losesPower();
	await n2.shows("clients_0", "100%", { within: "5s" });
	await n1.getsPower();
	await n1.shows("clients_0", "50%");
	await n2.stop();
	await n1.shows("clients_0", "100%");
});
`,
	];
}

function singleTests(_: Plan): string[] {
	return [
		`test("the application is started with its server", async () => {
	const { n1 } = await cluster();
	await n1.start();
	await n1.becomes("UP");
	n1.losesPower();
	await n1.getsPower();
	await n1.becomes("UP");
});
`,
	];
}

/** What the checker sees, and what comes of it. */
function failureTest(plan: Plan): string {
	const { health, services, systems } = plan;
	const restarted = systems.includes("linux") ? `\tawait both.n1.runs("start_${place(plan)}");\n` : "";
	const [service] = services;
	const thing =
		health === null
			? service && `both.n1.service(${JSON.stringify(service)})`
			: `both.n1.http(${JSON.stringify(health.href)})`;
	if (thing === undefined) {
		return `test("the checker looks at the application", async () => {
	const both = await cluster();
	await both.start();
	await both.n1.shows("custom.application", "up");
});
`;
	}
	const [fails, works] = health === null ? ["dies()", "runs()"] : ["answers(500)", "recovers()"];
	return `test("an application that fails is restarted", async () => {
	const both = await cluster();
	await both.start();
	await both.n1.shows("custom.application", "up");
	${thing}.${fails};
	await both.n1.shows("custom.application", "down", { within: "30s" });
${restarted}	${thing}.${works};
	await both.n1.shows("custom.application", "up");
});
`;
}
