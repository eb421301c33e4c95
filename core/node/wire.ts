/** Puts the services of this server together into what the daemon works with. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { anyAnswers } from "../checkers/splitbrain.ts";
import { pluginsOnce } from "../cli/schema.ts";
import type { LogLevel } from "../engine/contract.ts";
import type { ReplicationFact } from "../engine/replication.ts";
import { SafekitError } from "../errors.ts";
import { nowUs, systemClock } from "../log/clock.ts";
import { isNormal } from "../log/moduleLog.ts";
import { type DatagramSender, toSyslog } from "../log/syslog.ts";
import { readConfiguration } from "../module/active.ts";
import type { ModuleConfiguration } from "../module/configuration.ts";
import { withModuleLock } from "../module/lock.ts";
import type { Paths } from "../module/paths.ts";
import { recover } from "../module/recover.ts";
import { readIds } from "../module/registry.ts";
import { platform } from "../platform/index.ts";
import { ConnectionCounter } from "../vip/connections.ts";
import { literal } from "../vip/place.ts";
import { VipService } from "../vip/service.ts";
import { Callbacks } from "./callbacks.ts";
import { farmPlace } from "./farm/wire.ts";
import type { Hands, ScriptHands } from "./hands.ts";
import { hear } from "./hear.ts";
import type { HeartLink } from "./heart.ts";
import { ClusterView } from "./membership.ts";
import type { Monitoring } from "./monitoring.ts";
import { adviceOf } from "./plugins/advice.ts";
import { type LoadedPlugin, schemaOf } from "./plugins/load.ts";
import { ModuleReplication, type ReplicationParts } from "./replication.ts";
import type { ModuleRuntime } from "./runtime.ts";
import { prepareSandbox } from "./sandbox.ts";
import { scriptHands } from "./scripts.ts";
import { monitoringFile, monitoringOf } from "./watch.ts";
import type { Report, World } from "./world.ts";

/** How long the witness of a splitbrain checker may take to answer. */
const pingTimeoutMs = 2000;

export interface Parts {
	paths: Paths;
	heart: HeartLink;
	incarnation: string;
	datagrams: DatagramSender;
	report: Report;
}

export async function wire(parts: Parts): Promise<World> {
	const { paths, incarnation, heart, report } = parts;
	const plugins = await pluginsOnce();
	for (const { folder, error } of plugins.failures) report(`plugin ${folder} is left out`, error);
	const cluster = new ClusterView(paths, process.env.SAFENODE);
	await withModuleLock(paths, () => recover(paths)).catch((error) => report("modules could not be recovered", error));
	return {
		paths,
		incarnation,
		clock: systemClock,
		modes: plugins.modes,
		processes: platform().processes,
		configured: () => configuredModules(paths),
		configuration: (name) => configurationOf(paths, name),
		nodeName: () => cluster.nodeName(),
		membership: (configuration) => cluster.membershipOf(configuration),
		clusterChanged: () => cluster.reload(),
		configureOptions: async () => ({
			schema: schemaOf(plugins.loaded),
			pluginAdvice: adviceOf(plugins.loaded),
			environment: process.env,
			probe: platform().fileSystems,
			server: {
				services: (names) => platform().processes.services(names),
				interfaces: () => platform().addresses.interfaces(),
			},
			...(await clusterOf(cluster)),
		}),
		scripts: (module, log) => scriptHands(module, paths, log),
		hands: (configuration, runtime) => handsOf({ ...parts, plugins: plugins.loaded }, cluster, configuration, runtime),
		release(name) {
			heart.stop(name);
			rmSync(monitoringFile(paths, name), { force: true });
		},
		sessionOf: platform().sessionOf,
		toSyslog(module, origin, level, text) {
			if (isNormal(level)) toSyslog(parts.datagrams, module, { us: nowUs(), origin, level, text });
		},
		report,
	};
}

async function configuredModules(paths: Paths): Promise<string[]> {
	const names = [...(await readIds(paths)).keys()];
	// A damaged configuration counts: loading it then says what is wrong.
	const inForce = await Promise.all(names.map((name) => readConfiguration(paths, name).catch(() => "damaged")));
	return names.filter((_, index) => inForce[index] !== null);
}

async function configurationOf(paths: Paths, name: string): Promise<ModuleConfiguration> {
	const configuration = await readConfiguration(paths, name);
	if (configuration !== null) return configuration;
	throw new SafekitError("MODULE_NOT_CONFIGURED", `Module '${name}' is not configured on this server.`);
}

/** Configurations are compared with the cluster where there is one. */
async function clusterOf(
	cluster: ClusterView,
): Promise<{ cluster?: Awaited<ReturnType<ClusterView["get"]>>["configuration"]["cluster"] }> {
	try {
		return { cluster: (await cluster.get()).configuration.cluster };
	} catch {
		return {};
	}
}

async function handsOf(
	{ paths, heart, incarnation, report, plugins }: Parts & { plugins: readonly LoadedPlugin[] },
	cluster: ClusterView,
	configuration: ModuleConfiguration,
	runtime: () => ModuleRuntime,
): Promise<Hands> {
	const { module } = configuration;
	let heartbeat = await cluster.heartbeatOf(configuration);
	const farm = await farmPlace(paths, cluster, heart, configuration, runtime);
	if (heartbeat === null && farm === null) heart.stop(module);
	const vip = await vipOf(paths, cluster, configuration, runtime);
	const connections = connectionsOf(configuration, runtime);
	const scripts = scriptHands(module, paths, (level, text) => runtime().write("userplug", level, text));
	// Reads the module's resources, which are there once its loop is.
	let made: Monitoring | null = null;
	const monitoring = (): Monitoring => {
		made ??= monitoringOf({ paths, incarnation, report, plugins }, configuration, runtime);
		return made;
	};
	const logged = async (done: Promise<void> | undefined): Promise<void> =>
		await done?.catch((error) => runtime().write("vipplug", "E", String(error.message)));
	return {
		...systemClock,
		scripts,
		vip: async (set) => {
			await farm?.set(set);
			await (set ? vip?.set() : vip?.unset());
		},
		traffic: async (open) => await farm?.traffic(open),
		farm,
		announceVip: () => logged(vip?.resume()),
		replication: (fact) => replicationOf(paths, cluster, configuration, runtime, fact, scripts),
		get monitoring() {
			return monitoring();
		},
		connect(running) {
			monitoring().takeUp(running);
			runtime().watch(() => monitoring().settingsChanged());
			void logged(running ? vip?.resume() : vip?.unset());
			void logged(farm?.connect(running));
			connections.start();
			if (heartbeat !== null) heart.listen(module, (message) => hear(runtime(), message));
		},
		disconnect() {
			vip?.close();
			farm?.disconnect();
			connections.stop();
			monitoring().detach();
		},
		async reconfigure(next) {
			prepareSandbox(next, paths, report);
			monitoring().reconfigure(next);
			heartbeat = await cluster.heartbeatOf(next);
		},
		outdated: farm?.outdated === true,
		async clusterChanged() {
			farm?.clusterChanged(await cluster.farmOf(runtime().configuration));
		},
		announce(says, resources) {
			farm?.announce(says.main);
			if (heartbeat !== null) heart.start(heartbeat, says, resources);
		},
		async ping() {
			const addresses = runtime().configuration.splitbrain?.addresses ?? [];
			const reachable = await anyAnswers(addresses, platform().ping, pingTimeoutMs);
			monitoring().witness(reachable);
			return reachable;
		},
		reboot: () => void execa("systemctl", ["reboot"], { timeout: 30_000 }).catch((error) => report("no reboot", error)),
		report,
	};
}

function replicationOf(
	paths: Paths,
	cluster: ClusterView,
	configuration: ModuleConfiguration,
	runtime: () => ModuleRuntime,
	fact: (fact: ReplicationFact) => void,
	scripts: ScriptHands,
): ModuleReplication | null {
	const { rfs } = configuration;
	if (rfs === null || rfs.directories.length === 0) return null;
	const log = (level: LogLevel, origin: string, text: string): void => runtime().write(origin, level, text);
	const parts = {
		paths,
		cluster,
		configuration,
		fact,
		log,
		changed: () => runtime().touched(),
		copy: platform().copy,
		askMounts: platform().askMounts,
		unmount: platform().unmount,
		verifier: verifierOf(runtime),
	};
	const { module } = configuration;
	const callbacks = new Callbacks({
		module,
		user: () => runtime().configuration.user,
		start: scripts.start,
		log: (level, text) => runtime().write("userplug", level, text),
	});
	return new ModuleReplication({ ...parts, callbacks: rfs.scripts ? callbacks : null }, rfs);
}

function verifierOf(runtime: () => ModuleRuntime): ReplicationParts["verifier"] {
	return {
		peerResource: (name) => runtime().peerResources[name],
		setResource: (name, value) => runtime().setResource(name, value, "rfsplug", "none"),
		log: (level, text) => runtime().write("reintegre", level, text),
		isFollowing: () => runtime().view().main === "SECOND" && runtime().view().status === "Ready",
	};
}

async function vipOf(
	paths: Paths,
	cluster: ClusterView,
	configuration: ModuleConfiguration,
	runtime: () => ModuleRuntime,
): Promise<VipService | null> {
	const { module, id, vip, mode } = configuration;
	if (vip === null || mode !== "mirror") return null;
	return new VipService({
		module,
		id,
		vip,
		peerAddresses: await cluster.peerAddressesOf(configuration),
		system: platform().addresses,
		record: join(paths.run, `vip-${module}.json`),
		log: (level, text) => runtime().write("vipplug", level, text),
	});
}

function connectionsOf({ vip }: ModuleConfiguration, runtime: () => ModuleRuntime): ConnectionCounter {
	return new ConnectionCounter({
		addresses: vip?.addresses.filter(({ connections }) => connections).map(({ addr }) => addr) ?? [],
		resolve: literal,
		count: platform().addresses.countConnections,
		set: (resource, value) => runtime().setResource(resource, value, "vipd", "none"),
		running: () => runtime().view().main !== "STOP",
		failed: (error) => runtime().write("vipd", "E", `Connections cannot be counted: ${error}`),
	});
}
