/** `<vhost>`: the files that scripts source (spec/02 §8). */
import { descendants, textOf } from "../../schema/access.ts";
import type { Report } from "../../schema/report.ts";
import type { CheckedElement } from "../../schema/validate.ts";
import type { VirtualHost } from "../../scripts/vhost.ts";

/** What the kernel takes as a host name. */
const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;

export function virtualHosts(service: CheckedElement): VirtualHost[] {
	return descendants(service, "vhost", "virtualhostname").map((element) => ({
		name: textOf(element, "name") ?? "",
		envfile: textOf(element, "envfile") ?? "",
		when: (textOf(element, "when") ?? "prim") as VirtualHost["when"],
	}));
}

/** What the declarations cannot say: names that no host can have, and two names for one file. */
export function checkVirtualHosts(service: CheckedElement, report: Report): void {
	const files = new Set<string>();
	for (const element of descendants(service, "vhost", "virtualhostname")) {
		const [name, envfile] = ["name", "envfile"].map((attribute) => textOf(element, attribute));
		if (name != null && !hostName.test(name)) {
			const expected = "letters, digits, dots and hyphens, at most 64";
			report.add("CONFIG_VALUE", `${name} is no host name`, element.xml, { attribute: "name", found: name, expected });
		}
		if (envfile == null) continue;
		if (files.has(envfile)) {
			const remedy = "Give each host name a file of its own.";
			report.add("CONFIG_REPEATED", `the file ${envfile} is made for another name already`, element.xml, {
				...{ attribute: "envfile", found: envfile, remedy },
			});
		}
		files.add(envfile);
	}
}
