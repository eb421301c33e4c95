/** Opens a lab, says what is in it, and waits to be killed. Run by left.test.ts. */

import { Lab } from "../../sdk/lab/lab.ts";
import { hasProgram } from "../../sdk/lab/prerequisites.ts";

const lab = await Lab.open();
const init = hasProgram("../lib/systemd/systemd") ? "systemd" : "tiny";
const n1 = await lab.node("n1", { services: { one: "sleep 777001" } });
const n2 = await lab.node("n2", { init });
n2.startService("two", "sleep 777002");
await n1.run("(setsid sleep 777003 > /dev/null 2>&1 &)");
await lab.until("all run", 5000, async () => (await n1.servicePid("one")) > 0 && (await n2.servicePid("two")) > 0);
const marks = ["sleep 777001", "sleep 777002", "sleep 777003"];
process.stdout.write(`${JSON.stringify({ folder: lab.folder, address: lab.address(254), marks })}\n`);
setInterval(() => {}, 1000);
