/** Errors of packages, of userconfig.xml and of what is installed. */
import type { ErrorKind } from "./kind.ts";

export const moduleErrors = {
	PACKAGE_NOT_FOUND: {
		exit: "usage",
		remedy: "Give the path of a .safe or .zip file, or put NAME.safe below $SAFE/Application_Modules.",
	},
	PACKAGE_NOT_ZIP: {
		exit: "invalid",
		remedy: "Pack the module again as a plain zip: `safekit module package -m NAME FILE.safe`.",
	},
	PACKAGE_DAMAGED: {
		exit: "invalid",
		remedy: "Copy or download the package again: its content does not match its directory.",
	},
	PACKAGE_LIMIT: {
		exit: "invalid",
		remedy: "Take out of the package what is no part of the module: 10,000 entries and 256 MiB are the limits.",
	},
	PACKAGE_NAME: { exit: "invalid", remedy: "Pack the module again with relative names that stay inside its folder." },
	PACKAGE_LINK: { exit: "invalid", remedy: "Replace the link by the file it points to and pack the module again." },
	PACKAGE_DUPLICATE: { exit: "invalid", remedy: "Keep one of the two entries and pack the module again." },
	PACKAGE_NO_USERCONFIG: {
		exit: "invalid",
		remedy: "A module has its configuration in conf/userconfig.xml: add it, or pack the folder that contains conf/.",
	},
	PACKAGE_MANIFEST: { exit: "invalid", remedy: "Correct module.json as the message says, and pack the module again." },
	PACKAGE_CORE: {
		exit: "invalid",
		remedy: "Install a version of the package that fits, or update Opensafe on this server.",
	},
	PACKAGE_PLUGIN: {
		exit: "invalid",
		remedy: "Put the plugin into $SAFE/plugins and restart the service; `safekit plugin list` shows what is loaded.",
	},
	PACKAGE_CONSENT: {
		exit: "unsafe",
		remedy: "If that is what you want, give the command again with --yes; nothing was changed.",
	},
	PACKAGE_SIGNATURE: {
		exit: "invalid",
		remedy: "Do not install it: fetch it again from its author, and compare the fingerprint of the author's key.",
	},
	PACKAGE_UNSIGNED: {
		exit: "unsafe",
		remedy:
			"Install a package that a trusted key has signed, on each server; `safekit module trust` shows what this server accepts.",
	},
	PACKAGE_UNTRUSTED: {
		exit: "unsafe",
		remedy:
			"Compare the fingerprint with the one that the author tells you, then trust the key: `safekit module trust --add KEY.pub`.",
	},
	PACKAGE_KEY: {
		exit: "failed",
		remedy: "Give a key that `safekit module sign --new-key FILE` made: FILE to sign, FILE.pub to verify.",
	},
	PACKAGE_KEY_OPEN: { exit: "unsafe", remedy: "Let nobody else read the key: `chmod 600 FILE`." },
	PACKAGE_POLICY: {
		exit: "unsafe",
		remedy: "Say what this server accepts: `safekit module trust --signed-only on`, or `off`.",
	},
	PACKAGE_SCRIPT: { exit: "invalid", remedy: "Correct the script as the message says." },

	XML_ENCODING: { exit: "invalid", remedy: "Save the file as UTF-8." },
	XML_LIMIT: { exit: "invalid", remedy: "Make the file smaller: 1 MiB, 10,000 elements and 32 levels are the limits." },
	XML_SYNTAX: { exit: "invalid", remedy: "Correct the XML at this place." },
	XML_ENTITY: {
		exit: "invalid",
		remedy:
			"Write the text itself, or use a <macro>; only &lt; &gt; &amp; &quot; &apos; and character numbers are read.",
	},

	CONFIG_INVALID: { exit: "invalid", remedy: "Correct what is named above and run the command again." },
	CONFIG_UNKNOWN_ELEMENT: { exit: "invalid", remedy: "Remove the element, or correct its name or place." },
	CONFIG_UNKNOWN_ATTRIBUTE: { exit: "invalid", remedy: "Remove the attribute, or correct its name." },
	CONFIG_MISSING: { exit: "invalid", remedy: "Add what is missing at this place." },
	CONFIG_REPEATED: { exit: "invalid", remedy: "Keep one of them." },
	CONFIG_VALUE: { exit: "invalid", remedy: "Correct the value." },
	CONFIG_TIME_UNIT: { exit: "invalid", remedy: "Write the time in the expected unit, or without unit." },
	CONFIG_BLANK: { exit: "invalid", remedy: "Fill in the value: the module's author left it to you." },
	CONFIG_MACRO: {
		exit: "invalid",
		remedy: "Add a <macro> of this name before its first use, or set the environment variable.",
	},
	CONFIG_RULE: { exit: "invalid", remedy: "Correct the failover rule at this place." },
	CONFIG_LEGACY: {
		exit: "invalid",
		remedy: "Nothing has to be done now; use the present spelling when you edit the file next.",
	},
	CONFIG_UNNEEDED: { exit: "invalid", remedy: "Nothing has to be done; leave it out when you edit the file next." },
	CONFIG_LATER: { exit: "invalid", remedy: "The module works without it; do not rely on it yet." },
	CONFIG_DIRECTORY: { exit: "invalid", remedy: "Choose another directory, or correct it as the message says." },
	CONFIG_ADDRESS: { exit: "invalid", remedy: "Choose another virtual address." },
	CONFIG_FILE: { exit: "invalid", remedy: "Put the file into bin/ of the module, or correct its name." },
	CONFIG_SERVICE: {
		exit: "invalid",
		remedy:
			"Install the service on this server, or correct its name: `systemctl list-unit-files --type=service` lists them.",
	},
	CONFIG_CLUSTER: {
		exit: "invalid",
		remedy: "Make userconfig.xml and cluster.xml agree (`safekit cluster confinfo` shows the latter).",
	},
	CONFIG_SCRIPT: {
		exit: "failed",
		remedy: "Correct what the script reported above; the previous configuration stays in force.",
	},
	CONFIG_HISTORY: { exit: "usage", remedy: "`safekit config -m NAME --list` shows the numbers." },
	CONFIG_DAMAGED: { exit: "failed", remedy: "Apply the configuration again with `safekit config -m NAME`." },

	MODULE_NAME: {
		exit: "usage",
		remedy: "Use letters, digits, `_` and `-`, at most 64, beginning with a letter or digit; -m gives the name.",
	},
	MODULE_ID: {
		exit: "usage",
		remedy: "Choose a free number between 1 and 255, or leave -M out; `safekit module listid` shows those in use.",
	},
	MODULE_NO_TESTS: {
		exit: "failed",
		remedy:
			"Write tests into tests/*.test.ts of the module's folder, or name such a file; see `safekit module test --help`.",
	},
	MODULE_EXISTS: { exit: "failed", remedy: "Use -r to install it again, or -m to give another name." },
	MODULE_UNKNOWN: { exit: "failed", remedy: "See `safekit module list` for the installed modules." },
	MODULE_NOT_CONFIGURED: { exit: "failed", remedy: "Apply its configuration with `safekit config -m NAME`." },
	MODULE_LOCKED: { exit: "timeout", remedy: "Wait until the other module command has ended and try again." },
} as const satisfies Record<string, ErrorKind>;
