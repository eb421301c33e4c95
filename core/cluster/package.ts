/** The zip that carries cluster.xml and the cluster key from one server to the next. */
import AdmZip from "adm-zip";
import { SafekitError } from "../errors.ts";
import { inflate, readDirectory } from "../module/package/directory.ts";
import { checkedKey } from "./key.ts";

const names = { xml: "cluster.xml", key: "cluster.key" } as const;
const maxBytes = 1 << 20;

export function clusterPackage(xml: Buffer, key: Buffer): Buffer {
	const zip = new AdmZip();
	zip.addFile(names.xml, xml);
	zip.addFile(names.key, key);
	return zip.toBuffer();
}

/** Throws CLUSTER_PACKAGE for anything but a zip with exactly these two files. */
export function readClusterPackage(bytes: Buffer, file: string): { xml: Buffer; key: Buffer } {
	try {
		const entries = new Map(readDirectory(bytes).map((entry) => [entry.rawName.toString(), entry]));
		const content = (name: string): Buffer => {
			const entry = entries.get(name);
			if (entry === undefined) throw new Error(`it has no ${name}`);
			if (entry.size > maxBytes) throw new Error(`${name} has ${entry.size} bytes`);
			return inflate(bytes, entry);
		};
		const unknown = [...entries.keys()].find((name) => name !== names.xml && name !== names.key);
		if (unknown !== undefined) throw new Error(`it also holds ${JSON.stringify(unknown.slice(0, 100))}`);
		return { xml: content(names.xml), key: checkedKey(content(names.key), names.key) };
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		const message = `${file} is no package of a cluster configuration: ${why}`;
		throw new SafekitError("CLUSTER_PACKAGE", message, { place: { file }, cause: error });
	}
}
