/** Applies the module `m` of the server in SAFE and SAFEVAR, and never comes back from its postconfig. */
import { configureModule } from "../../core/module/configure.ts";
import { pathsFrom } from "../../core/module/paths.ts";
import { schema } from "./place.ts";

await configureModule(pathsFrom(process.env), "m", {
	schema,
	environment: {},
	hook: async (script) => {
		if (script === "postconfig") {
			process.stdout.write("hanging\n");
			await new Promise((resolve) => setTimeout(resolve, 600_000));
		}
		return { ran: false, exitCode: null };
	},
});
