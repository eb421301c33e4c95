/**
 * Packages in the shape of the 18 published ones: the same names in `bin/`, modes, line ends, odd bytes, manifests and
 * blanks (spec/09 §1, §2). What the scripts do is ours.
 */
import AdmZip from "adm-zip";
import { commentedRules, custom, farmConfig, mirrorConfig, proc, type Shape } from "./userconfigs.ts";

export interface Published {
	name: string;
	system: "linux" | "windows";
	mode: "mirror" | "farm";
	boot: boolean;
	/** Files of `bin/`. */
	bin: string[];
	userconfig: string;
	/** `element@attribute` that whoever installs it fills in (§6.2). */
	blanks: string[];
	/** Carries a manifest.xml that names another module. */
	manifest?: true;
	web: string[];
}

const farmBlanks = ["virtual_addr@addr", "rule@port", "to@addr", "to@port"];
const addr = "virtual_addr@addr";

function linux(name: string, own: Partial<Published> & { shape?: Shape }): Published {
	const { shape = {}, ...rest } = own;
	const bin = ["module_scripts_utils", "postconfig", "prestart", "start_prim", "stop_prim"];
	const userconfig = mirrorConfig(shape);
	const web = ["index.html"];
	return { name, system: "linux", mode: "mirror", boot: true, bin, userconfig, blanks: [addr], web, ...rest };
}

function windows(name: string, own: Partial<Published> & { shape?: Shape }): Published {
	const base = linux(name, own);
	const bin = own.bin ?? base.bin.map((file) => `${file}.ps1`);
	return { ...base, system: "windows", bin };
}

const data = "C:\\Program Files\\App\\Data\\";
const pool = custom("apppoolcheck", "apppoolcheck.ps1", "apppoollist.txt");
const milestone: Shape = {
	services: "Milestone XProtect Management Server, SQL Server (MSSQLSERVER)",
	dirs: [data],
	errd: proc("w3wp.exe", ' atleast="1"') + proc("sqlservr.exe", ' atleast="1"'),
	polltimer: "",
	check: pool + commentedRules,
	crlf: true,
};
const vms = [
	...["module_scripts_utils", "postconfig", "prestart", "start_prim", "stop_prim", "apppoolcheck"].map(
		(n) => `${n}.ps1`,
	),
	"apppoollist.txt",
];
const both = ["postconfig", "prestart", "start_both", "stop_both"];

export const published: readonly Published[] = [
	linux("apache_farm", {
		mode: "farm",
		bin: ["module_scripts_utils", ...both],
		userconfig: farmConfig("APACHE"),
		blanks: farmBlanks,
	}),
	linux("firebird", { shape: { services: "firebird3.0", dirs: ["/var/lib/firebird"], errd: proc("firebird") } }),
	linux("mysql", { shape: { services: "mysql", dirs: ["/var/lib/mysql"], errd: proc("mysqld") } }),
	linux("oracle", {
		shape: { services: "oracle", dirs: [""], errd: proc("pmon", ' nameregex="ora_pmon_.*"') },
		blanks: [addr, "replicated@dir"],
	}),
	linux("postgresql", {
		shape: { services: "postgresql", dirs: ["/var/lib/pgsql/data"], errd: proc("postgresql", ' service="yes"') },
	}),
	linux("kvm", {
		boot: false,
		manifest: true,
		bin: ["prestart", "start_prim", "stop_prim", "vmcheck"],
		blanks: [],
		shape: {
			head: "<!-- one virtual machine -->\n<!DOCTYPE safe>\n",
			boot: false,
			vip: null,
			macros: [
				["VM_PATH", "/var/lib/libvirt/images"],
				["VM_NAME", "vm1"],
			],
			dirs: ["%VM_PATH%/%VM_NAME%"],
			check: custom("%VM_NAME%", "vmcheck", "%VM_NAME%"),
			// A variable may have the name of a macro and another value.
			vars: [
				["VM_PATH", "%VM_PATH%/%VM_NAME%"],
				["VM_NAME", "%VM_NAME%"],
			],
		},
	}),
	linux("k3s", {
		boot: false,
		manifest: true,
		bin: ["prestart", "start_prim", "start_second", "stop_prim"],
		blanks: ["virtual_addr@addr", "var@value"],
		shape: {
			head: "<!DOCTYPE safe> ",
			boot: false,
			vip: "%VIRTUALIP%",
			macros: [
				["STORAGEDIR", "/replicated"],
				["NFSPROVDIR", "/nfs"],
				["VIRTUALIP", ""],
				["DBPROC", "mariadbd"],
			],
			dirs: ["/var/lib/mysql", "%STORAGEDIR%"],
			errd: proc("%DBPROC%"),
			vars: ["STORAGEDIR", "NFSPROVDIR", "VIRTUALIP"].map((name) => [name, `%${name}%`] as [string, string]),
		},
	}),
	windows("apache_farm", {
		mode: "farm",
		bin: ["module_scripts_utils", ...both].map((n) => `${n}.ps1`),
		userconfig: farmConfig("APACHE"),
		blanks: farmBlanks,
	}),
	windows("iis_farm", {
		mode: "farm",
		bin: ["module_scripts_utils", ...both].map((n) => `${n}.ps1`),
		userconfig: farmConfig("IIS"),
		blanks: farmBlanks,
	}),
	windows("firebird", {
		shape: { services: "FirebirdServerDefaultInstance", dirs: [data], errd: proc("firebird.exe") },
	}),
	windows("mysql", { shape: { services: "MySQL80", dirs: ["C:/ProgramData/MySQL"], errd: proc("mysqld.exe") } }),
	windows("oracle", {
		shape: { services: "OracleServiceXE", dirs: [""], errd: proc("oracle.exe") },
		blanks: [addr, "replicated@dir"],
	}),
	windows("sqlserver", { shape: { services: "MSSQLSERVER", dirs: [data], errd: proc("sqlservr.exe") } }),
	windows("nedap", { shape: { services: "AEOS, MSSQLSERVER", dirs: [data], errd: proc("a.exe") + proc("b.exe") } }),
	windows("postgresql", {
		shape: {
			services: "postgresql-x64-16",
			macros: [["POSTGRESQLDIR", data]],
			dirs: ["%POSTGRESQLDIR%data"],
			errd: proc("postgres.exe"),
			vars: [
				["SERVICES", "%SERVICES%"],
				["POSTGRESQLDIR", "%POSTGRESQLDIR%"],
			],
		},
	}),
	windows("milestone", { shape: milestone, bin: vms }),
	windows("SiveillanceVMS", { shape: milestone, bin: [...vms, "UpdateAuthServerUri.ps1"] }),
	windows("hyperv", {
		boot: false,
		bin: ["prestart", "start_prim", "stop_prim", "postconfig", "vmcheck", "_rfs_callback", "preparevm"].map(
			(n) => `${n}.ps1`,
		),
		blanks: ["replicated@dir", "var@value", "custom@ident"],
		web: ["index.html.en", "index.html.ja"],
		shape: {
			head: "<!DOCTYPE safe> ",
			boot: false,
			vip: null,
			rfs: ' scripts="on" acl="on" namespacepolicy="0" allocthreshold="10"',
			macros: [
				["VM_PATH", ""],
				["VM_NAME", ""],
			],
			dirs: ["%VM_PATH%"],
			check: custom("", "vmcheck.ps1"),
			vars: [
				["VM_PATH", "%VM_PATH%\\%VM_NAME%"],
				["VM_NAME", "%VM_NAME%"],
				["NORMAL_STOP", "save"],
				["FORCE_STOP", "turnoff"],
			],
		},
	}),
];

/** Mixed line ends inside one package, a BOM, no last newline: bytes that must survive (§1). */
function contentOf(one: Published, file: string): Buffer {
	if (one.system === "linux") return Buffer.from(`#!/bin/bash\n# ${one.name} ${file}\nexit 0`);
	const bom = one.name === "hyperv" && file === "prestart.ps1" ? [0xef, 0xbb, 0xbf] : [];
	const crlf = /^(module_scripts_utils|prestart|start_|stop_)/.test(file) && one.name !== "hyperv";
	return Buffer.concat([Buffer.from(bom), Buffer.from(`# ${one.name}${crlf ? "\r\n" : "\n"}exit 0`)]);
}

export interface Entry {
	name: string;
	content: Buffer;
	mode: number;
}

/** The entries of the package in the order of its archive: the template before or after userconfig, as it happens. */
export function entriesOf(one: Published): Entry[] {
	const text = (name: string, content: string): Entry => ({ name, content: Buffer.from(content), mode: 0o100644 });
	const folders = ["conf/", "bin/", "web/"].map((name) => ({ name, content: Buffer.alloc(0), mode: 0o040755 }));
	// A skeleton of the old form: blank, and with elements that the module itself has not.
	const template = `<!-- old form --><!DOCTYPE safe><safe><service mode="${one.mode}"><vip/></service>`;
	const files = [
		text("conf/userconfig.xml.template", template),
		text("conf/userconfig.xml", one.userconfig),
		...(one.manifest ? [text("manifest.xml", '<manifest name="mirror"/>')] : []),
		...one.bin.map((file) => ({ name: `bin/${file}`, content: contentOf(one, file), mode: 0o100755 })),
		...one.web.map((file) => text(`web/${file}`, `<html>${one.name} – página</html>`)),
	];
	return one.name.length % 2 === 0 ? [...folders, ...files] : [...folders, ...files.reverse()];
}

/** The package as a file's bytes. */
export function zipOf(one: Published): Buffer {
	const zip = new AdmZip();
	for (const { name, content, mode } of entriesOf(one)) {
		zip.addFile(name, content);
		const entry = zip.getEntry(name);
		if (entry === null) throw new Error(name);
		entry.header.made = (3 << 8) | 30;
		entry.attr = ((mode << 16) >>> 0) | (name.endsWith("/") ? 0x10 : 0);
	}
	return zip.toBuffer();
}
