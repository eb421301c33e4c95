/** Sets of nftables, filled by the kernel's own messages, in a network of their own. */
import { join } from "node:path";
import { Box } from "../../sdk/lab/box.ts";
import { hasProgram } from "../../sdk/lab/prerequisites.ts";
import { boxTest } from "./two.ts";

const table = "opensafe_1";
const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
const program = `
	import { fillSets } from ${JSON.stringify(join(import.meta.dirname, "../../core/platform/linux/nftSets.ts"))};
	const numbers = Array.from({ length: 256 }, (_, number) => number);
	fillSets(${JSON.stringify(names)}.map((set) => ({ family: "inet", table: "${table}", set, numbers })));
`;

boxTest("the sets of many servers are filled at once, also by more than the usual send buffer takes", async (t) => {
	if (!hasProgram("nft")) return t.log("skipped: nft is missing");
	const box = await Box.start("sets", "echo ready; read -r end", {});
	t.teardown(() => box.kill());
	const sets = names.map((name) => `set ${name} { typeof numgen inc mod 256; size 256; }`);
	await box.network("nft", ["-f", "-"], `table inet ${table} {\n${sets.join("\n")}\n}\n`);
	// 256 numbers take 16 bytes each: 400 kB in one message.
	await box.network(process.execPath, ["--input-type=module", "-e", program]);
	const last = await box.network("nft", ["-j", "list", "set", "inet", table, "s99"]);
	const [, { set }] = JSON.parse(last).nftables;
	t.is(set.elem.length, 256);
});
