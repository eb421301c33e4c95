/** The service safeadmin under real systemd: set up, killed, stopped, removed. */
import { checkoutInNode } from "../../sdk/lab/node.ts";
import { labTest } from "./open.ts";
import { nodeInNode } from "./scenarios/mirror.ts";

labTest(
	"systemd starts a killed daemon at once, and stops modules with the service",
	{ needs: ["systemd/systemd"] },
	async (t, lab) => {
		const node = await lab.node("n1", { init: "systemd", keep: ["/etc/systemd/system"] });
		t.regex(
			await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts setup`),
			/start safeadmin now and at every boot/,
		);
		t.is(await node.run("systemctl is-active safeadmin"), "active");
		t.is(await node.run("systemctl is-enabled safeadmin"), "enabled");
		const safekit = "/opt/safekit/safekit";
		await node.run(`${safekit} cluster create ${node.address()} 10.255.255.1 && ${safekit} cluster config`);
		await node.write(
			"/opt/safekit/m/conf/userconfig.xml",
			'<safe><service mode="mirror"><heart pulse="100" timeout="1000"><heartbeat name="default"/></heart><user/><errd polltimer="1"><proc name="demo" service="yes" class="prim" action="restart" restart_services="demo, other"/></errd></service></safe>\n',
		);
		await node.write("/etc/systemd/system/demo.service", "[Service]\nExecStart=/bin/sleep 10000\n");
		const action: Record<string, string> = { start_prim: "start", stop_prim: "stop" };
		const say = (word: string) =>
			`#!/bin/sh\necho ${word} >> /var/safekit/said; echo "${word} $*" >> /var/safekit/words\nsystemctl ${action[word]} demo\n`;
		for (const script of ["start_prim", "stop_prim"]) await node.write(`/opt/safekit/m/bin/${script}`, say(script));
		await node.run("chmod +x /opt/safekit/m/bin/* && mkdir -p /opt/safekit/modules");
		const pack = `import { writePackage } from "${checkoutInNode}/core/module/package/write.ts"; await writePackage("/opt/safekit/m", "/opt/safekit/m.safe");`;
		await node.run(`${nodeInNode} --input-type=module -e '${pack}'`);
		await node.run(
			`${safekit} module install -m m /opt/safekit/m.safe && ${safekit} config -m m && ${safekit} start -m m`,
		);
		const advice = await node.run(`${safekit} confcheck -m m 2>&1`);
		t.regex(advice, /Warning: there is no service other on this server\n/);
		t.notRegex(advice, /no service demo/);
		await node.run(`${safekit} waitstart -m m --timeout 60`);
		const pid = await node.run("systemctl show -P MainPID safeadmin");
		await node.run(`kill -9 ${pid}`);
		await lab.until("the daemon is there again", 20_000, async () => {
			const now = await node.run("systemctl show -P MainPID -P ActiveState safeadmin");
			return /active/.test(now) && !now.includes("activating") && !now.split("\n").includes(pid);
		});
		t.is(await node.run(`${safekit} state -m m -l`), "ALONE Ready");
		t.is(await node.run("cat /var/safekit/said"), "start_prim", "the application was not touched");

		await node.run("systemctl kill -s KILL demo; rm /var/safekit/said /var/safekit/words");
		await lab.until("the service runs again", 30_000, async () => {
			return (await node.run(`${safekit} get -m m -r proc.demo; cat /var/safekit/said`)).startsWith("up\nstop_prim\n");
		});
		const limited = "ALONE ALONE restart -Services demo, other";
		t.is(
			await node.run("cat /var/safekit/words"),
			`stop_prim ${limited}\nstop_prim force ${limited}\nstart_prim ${limited}`,
		);
		t.regex(await node.run(`${safekit} log -m m`), /\| errd \| E \| Service demo not running\n/);
		await node.run(`${safekit} waitstate -m m ALONE --timeout 30`);
		await node.run("rm /var/safekit/said; echo start_prim > /var/safekit/said");

		await node.run("systemctl stop safeadmin");
		t.regex(
			await node.run("cat /var/safekit/said"),
			/^start_prim\nstop_prim\n/,
			"the modules were stopped with the service",
		);
		await node.run("systemctl start safeadmin");
		t.is(await node.run(`${safekit} state -m m -l`), "STOP NotReady");
		await node.run(`${nodeInNode} ${checkoutInNode}/core/cli/setup.ts unsetup`);
		t.is((await node.attempt("ls /etc/systemd/system/safeadmin.service")).code, 2);
		t.not((await node.attempt("pgrep -f core/node/main.ts")).code, 0);
	},
);
