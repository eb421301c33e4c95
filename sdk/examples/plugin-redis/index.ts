/** An example of a plugin: what Redis needs beyond scripts. Copy the folder to $SAFE/plugins and make it your own. */
import { definePlugin } from "opensafe";
import { unwatched } from "./advice.ts";
import { redis } from "./checkers/redis.ts";
import { redisAccess } from "./elements.ts";

export default definePlugin({
	name: "redis",
	version: "1.0.0",
	requires: { core: "^0.1" },
	setup(kernel) {
		kernel.elements.add(redisAccess);
		kernel.checkers.add(redis);
		kernel.advice.add(unwatched);
		kernel.catalogue.add({ name: "redis", doc: "Redis with its data replicated.", folder: "templates/redis" });
	},
});
