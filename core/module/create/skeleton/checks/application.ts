/**
 * Whether the application works: its services run, and the page that `arg` names in conf/userconfig.xml answers 200.
 * The server runs this while the application is started. What it may reach stands in `permissions` of module.json; what
 * else there is to ask, an editor shows behind `ctx.`.
 */
import { checker, down, up } from "opensafe";

export default checker({ every: "5s", timeout: "4s" }, async (ctx) => {
	const services = (ctx.variables.SERVICES ?? "").split(",").map((name) => name.trim());
	for (const name of services.filter((each) => each !== "")) {
		if ((await ctx.service(name)) === "down") return down(`service ${name} is not running`);
	}
	const [page] = ctx.args;
	if (page === undefined) return up();
	const answer = await ctx.http.get(page);
	return answer.status === 200 ? up() : down(`${page} answers HTTP ${answer.status}`);
});
