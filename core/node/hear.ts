/** What the heartbeat thread found out, as events and as lines of the module's log. */
import type { FromHeart } from "../heartbeat/service.ts";
import type { ModuleRuntime } from "./runtime.ts";

export function hear(runtime: ModuleRuntime, message: FromHeart): void {
	const of = runtime.farm === null ? "heartbeat." : "the farm's lan ";
	switch (message.is) {
		case "heartbeat":
			runtime.deliver({ type: "heartbeat", ident: message.ident, up: message.up });
			break;
		case "peer":
			runtime.peerResources = message.resources;
			runtime.data?.hear(message.resources);
			runtime.deliver({ type: "peer", says: message.says });
			break;
		case "failed":
			runtime.write("vipd", "E", `This server's part in the farm begins anew: ${message.why}`);
			break;
		case "refused":
			runtime.write("heart", "W", `Pulses on ${of}${message.ident} are refused: ${message.why}`);
			break;
		case "unusable":
			runtime.write("heart", "E", `${of}${message.ident} cannot be used: ${message.why}`);
	}
}
