import { once } from "node:events";
import { connect, createServer } from "node:net";
import test from "ava";
import { countConnections } from "../../core/platform/linux/connections.ts";

/** Loopback addresses of this process. */
const addr = `127.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}.77`;
const other = addr.replace(/77$/, "78");

for (const [family, listenOn, asked] of [
	["IPv4", addr, addr],
	["IPv4 at a socket of IPv6", "::", other],
	["IPv6", "::1", "::1"],
] as const) {
	test.serial(`established connections are counted by local address: ${family}`, async (t) => {
		const server = createServer((socket) => socket.on("error", () => {}));
		server.listen(0, listenOn);
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		const before = (await countConnections([asked])).get(asked) ?? 0;
		const clients = await Promise.all(
			[1, 2, 3].map(async () => {
				const client = connect({ host: asked, port, localAddress: family === "IPv6" ? "::1" : "127.0.0.1" });
				await once(client, "connect");
				return client;
			}),
		);
		const counts = await countConnections([asked, "192.0.2.1", "2001:db8::1.2.3.4"]);
		// Both ends of a connection of ::1 to itself are of that address; others may use it too.
		const added = (counts.get(asked) ?? 0) - before;
		if (family === "IPv6") t.true(added >= 3);
		else t.is(added, 3);
		t.is(counts.get("192.0.2.1"), 0);
		for (const client of clients) client.destroy();
		server.close();
		await once(server, "close");
	});
}
