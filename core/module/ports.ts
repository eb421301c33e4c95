/** The ports of a module derive from its id (spec/05 §1); this is `safekit module getports` too. */

/** So many that no two kinds of port of different modules meet. */
export const maxModuleId = 255;

export interface Ports {
	heart: number;
	rfs: number;
	farm: number;
}

export function portsOf(id: number): Ports {
	return { heart: 8888 + id - 1, rfs: 5600 + (id - 1) * 4, farm: 4803 + (id - 1) * 3 };
}

export interface PortLine {
	process: string;
	attribute: "port" | "safenfs_port";
	protocol: "UDP" | "TCP";
	port: number;
}

/** What a module listens on, with the two services that all modules share. */
export function portLines(
	ports: { heart: number | null; rfs: number | null; farm: number | null },
	web = 9010,
): PortLine[] {
	const lines: PortLine[] = [
		{ process: "safeadmin", attribute: "port", protocol: "UDP", port: 4800 },
		{ process: "webconsole", attribute: "port", protocol: "TCP", port: web },
	];
	if (ports.heart !== null) lines.push({ process: "heart", attribute: "port", protocol: "UDP", port: ports.heart });
	if (ports.rfs !== null) lines.push({ process: "rfs", attribute: "safenfs_port", protocol: "TCP", port: ports.rfs });
	if (ports.farm !== null) lines.push({ process: "farm", attribute: "port", protocol: "UDP", port: ports.farm });
	return lines;
}

/** The table as the existing product prints it. */
export function portsAsText(lines: readonly PortLine[]): string {
	const rows = lines.map((line) => `${line.process}\n${line.attribute} ${line.protocol} ${line.port}\n`);
	return `List of the ports used by SafeKit\nProcess Ports\n${rows.join("")}`;
}
