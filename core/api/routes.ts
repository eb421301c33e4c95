/**
 * What the web service answers, read only and without login: the states of modules, and the probe of load balancers
 * (spec/05 §5).
 *
 * - `GET /api/v1/modules`: `{"node","modules":[…]}`; also under `/api/v1.0`.
 * - `GET /api/v1/modules/NAME`: one module, what module checkers of other modules and servers read: the object of
 *   `safekit state --json`, with `node` and `startedAt`, the date since when the application runs here, or null.
 * - `GET /var/modules/NAME/ready.txt`: 200 where the application runs (PRIM, ALONE or UP, Ready), 404 everywhere else.
 */
import Router from "@koa/router";
import type { ModuleControl, NodeControl } from "../cli/control.ts";
import { stateAsJson } from "../cli/state.ts";
import { SafekitError } from "../errors.ts";
import { errorAsJson } from "../log/errorTexts.ts";

const serving = new Set(["PRIM", "ALONE", "UP"]);

export function routesOf(node: Pick<NodeControl, "nodeName" | "modules" | "module">): Router {
	const router = new Router();
	for (const base of ["/api/v1", "/api/v1.0"]) {
		router.get(`${base}/modules`, async (context) => {
			context.body = { node: await node.nodeName(), modules: node.modules().map(shown) };
		});
		router.get(`${base}/modules/:name`, async (context) => {
			const { name = "" } = context.params;
			const module = node.module(name);
			if (module !== undefined) {
				context.body = { node: await node.nodeName(), ...shown(module) };
				return;
			}
			context.status = 404;
			const error = new SafekitError(
				"MODULE_NOT_CONFIGURED",
				`Module '${name.slice(0, 64)}' is not configured on this server.`,
			);
			context.body = errorAsJson(error);
		});
	}
	router.get("/var/modules/:name/ready.txt", (context) => {
		const view = node.module(context.params.name ?? "")?.view();
		const ready = view !== undefined && serving.has(view.main) && view.status === "Ready";
		context.status = ready ? 200 : 404;
		context.type = "text/plain";
		context.body = ready ? "ready\n" : "not ready\n";
	});
	return router;
}

function shown(module: ModuleControl) {
	return { ...stateAsJson(module), startedAt: module.watched?.startedAt ?? null };
}
