/** README.md of a new module. */
import { type Plan, place } from "./plan.ts";

export function readmeText(plan: Plan): string {
	const { name, mode, systems } = plan;
	const where = place(plan);
	const scripts = [
		...(systems.includes("linux")
			? [`\`start_${where}\`, \`stop_${where}\`, \`prestart\`, \`postconfig\` (Linux)`]
			: []),
		...(systems.includes("windows") ? ["the same with the ending `.ps1` (Windows)"] : []),
	].join(", and ");
	const fill = [
		"`SERVICES`",
		...(mode === "mirror" ? ["`DATA_DIR`"] : []),
		...(mode === "light" ? [] : ["the virtual address"]),
	].join(", ");
	return `# ${name}

A ${mode} module: ${purposes[mode]}

| file | what it is for |
|---|---|
| \`conf/userconfig.xml\` | what is watched, replicated and restarted: fill in ${fill} |
| \`bin/\` | ${scripts} |
| \`bin/checks/application.ts\` | says every five seconds whether the application works |
| \`module.json\` | name, version, and what the checker may reach (\`permissions\`) |
| \`tests/\` | what the module does when something fails, on simulated servers |

While you write it, beside this folder:

    safekit module check ${name}     # mistakes in scripts, checkers and configuration, with line and column
    safekit module test ${name}      # the tests, in virtual time
    safekit module try ${name}       # the real thing, on two servers made on this machine (Linux, root)
    safekit module pack ${name}      # ${name}.safe

On ${mode === "farm" ? "all" : "both"} servers:

    safekit module install -m ${name} ${name}.safe
    safekit config -m ${name}

and then ${mode === "mirror" ? `\`safekit prim -m ${name}\` where the data is good, \`safekit start -m ${name}\` on the other one` : `\`safekit start -m ${name}\``}.
`;
}

const purposes = {
	mirror: "the application runs on one of two servers, and the other one takes over with the same data.",
	farm: "the application runs on all servers at once, and they share the clients.",
	light: "the application runs on one server and is restarted when it fails.",
};
