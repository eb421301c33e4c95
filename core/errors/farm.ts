/** Errors of farms. */
import type { ErrorKind } from "./kind.ts";

export const farmErrors = {
	FARM_MODE: { exit: "usage", remedy: "Name a module of mode farm with -m; `safekit state` shows the modes." },
	FARM_ADDRESS: {
		exit: "usage",
		remedy: "Give an IPv4 or IPv6 address, as in `safekit farm explain 192.168.1.50 80`.",
	},
	FARM_SCRIPTCONTROL: {
		exit: "unsafe",
		remedy:
			'Write scriptcontrol="on" into <vip> and apply the configuration, or leave it to the module: it takes clients after start_both and gives them away before stop_both.',
	},
	FARM_UNSETTLED: {
		exit: "timeout",
		remedy:
			"`safekit farm buckets` shows what is agreed on; it goes on by itself. See the log for servers that do not answer.",
	},
} as const satisfies Record<string, ErrorKind>;
