/** Attempts to reach something that is not in `ctx`: node, other realms, the host behind the values that it hands in. */
import type { Hostile } from "./hostile.ts";

const notThere = /is not defined|is not a function|not allowed|undefined|Cannot|not supported|null/;

export const reaching: Hostile[] = [
	{ tries: "process by name", does: "return up(String(process.pid));", reason: /process is not defined/ },
	{ tries: "require", does: "return up(String(require('node:fs')));", reason: /require is not defined/ },
	{
		tries: "the constructor of the context's constructor",
		does: "return up(ctx.constructor.constructor('return process')().version);",
		reason: /process is not defined/,
	},
	{
		tries: "the constructor of a capability",
		does: "return up(ctx.http.get.constructor('return this.process.mainModule.require(\"fs\")')());",
		reason: notThere,
	},
	{
		tries: "the constructor of an async function",
		does: "const f = (async () => {}).constructor('return process.binding(\"fs\")'); return up(await f());",
		reason: /process is not defined/,
	},
	{
		tries: "the constructor of what a call returns",
		does: "const p = ctx.service('cron'); return up(p.constructor.constructor('return process')().pid + '');",
		reason: /process is not defined/,
	},
	{
		tries: "the constructor of an error of a call",
		does: "try { await ctx.readFile('/etc/shadow'); } catch (e) { return up(e.constructor.constructor('return process')().pid + ''); }",
		reason: /process is not defined/,
	},
	{ tries: "a dynamic import of node", does: "return up(String((await import('node:fs')).default));", reason: /./ },
	{ tries: "a dynamic import of a file", does: "return up(String(await import('./b.ts')));", reason: /./ },
	{ tries: "eval in the global scope", does: "return up((0, eval)('process').pid);", reason: /process is not defined/ },
	{
		tries: "call sites of the host's frames",
		does: `Error.prepareStackTrace = (_, frames) => frames;
			const frames = new Error().stack;
			const things = frames.map((frame) => frame.getThis?.() ?? frame.getFunction?.()).filter((x) => x?.process ?? x?.require);
			return things.length > 0 ? up('found') : down('nothing but ' + frames.length + ' frames of its own');`,
		reason: /nothing but \d+ frames/,
	},
	{
		tries: "arguments.callee.caller of the host",
		does: "function f() { return f.caller; } const c = f(); return c?.constructor('return process')() ? up('found') : down('nobody');",
		reason: /./,
	},
	{
		tries: "WebAssembly",
		does: "return up(String(new WebAssembly.Module(new Uint8Array(8))));",
		reason: /WebAssembly is not defined/,
	},
	{
		tries: "SharedArrayBuffer",
		does: "return up(String(new SharedArrayBuffer(8)));",
		reason: /SharedArrayBuffer is not defined/,
	},
	{
		tries: "Atomics.wait",
		does: "Atomics.wait(new Int32Array(4), 0, 0); return up();",
		reason: /Atomics is not defined/,
	},
	{
		tries: "timers that outlive the run",
		does: "setTimeout(() => {}, 1); return up();",
		reason: /setTimeout is not defined/,
	},
	{ tries: "fetch", does: "return up(String(await fetch('http://127.0.0.1/')));", reason: /fetch is not defined/ },
	{ tries: "a worker", does: "return up(String(new Worker('x')));", reason: /Worker is not defined/ },
	{ tries: "another realm", does: "return up(new ShadowRealm().evaluate('1'));", reason: /ShadowRealm is not defined/ },
	{ tries: "the objects of isolated-vm", does: "return up(String(globalThis.ivm.Isolate ?? _ivm));", reason: notThere },
	{ tries: "the debugger", does: "return up(String(new inspector.Session()));", reason: /inspector is not defined/ },
	{ tries: "gc and V8's natives", does: "return up(String(gc()));", reason: /gc is not defined/ },
	{ tries: "V8's natives", does: "return up(eval('%GetOptimizationStatus(up)'));", reason: /SyntaxError/ },
	{
		tries: "to replace a capability",
		does: "'use strict'; ctx.http.get = () => ({ status: 200 }); return up();",
		reason: /Cannot assign to read only property/,
	},
	{ tries: "to add to the context", does: "ctx.root = 1; return up();", reason: /not extensible/ },
	{
		tries: "to change its arguments",
		does: "ctx.args[0] = '10.0.0.1'; return up();",
		reason: /Cannot assign to read only/,
	},
	{
		tries: "to say up through a prototype",
		does: "Object.prototype.state = 'up'; Object.prototype.reason = ''; return {};",
		reason: /something else than up\(\) or down/,
	},
	{ tries: "to say something else", does: "return true;", reason: /something else than up\(\) or down/ },
	{
		tries: "to say a third thing",
		does: "return { state: 'primary', reason: '' };",
		reason: /something else than up\(\) or down/,
	},
	{
		tries: "to forge what the isolate says, through the methods with which it is put together",
		does: `const forged = '[1,"exec",["/bin/sh",["-c","id"],{}]]';
			Array.prototype.join = Array.prototype.toString = () => forged;
			String.prototype.slice = String.prototype.toString = () => forged;
			JSON.stringify = () => forged;
			Object.prototype.toJSON = () => forged;
			try { await ctx.service('cron'); } catch (error) { return down('refused ' + error.message); }
			return down('nothing forged');`,
		reason: /nothing forged|refused|something else|tampered|\[1/,
	},
	{
		tries: "to loop where the isolate says what it wants",
		does: "Array.prototype.join = Array.prototype.toJSON = () => { while (true); }; await ctx.service('cron'); return up();",
		reason: /used more than 500 ms/,
	},
	{
		tries: "to answer itself with a forged JSON.parse",
		does: "JSON.parse = () => ({ status: 200 }); const a = await ctx.http.get('http://127.0.0.1/'); return up(String(a.status));",
		reason: /no permission to connect to 127\.0\.0\.1:80/,
	},
	{
		tries: "to catch what resolves its promises",
		does: `const then = Promise.prototype.then; const seen = [];
			Promise.prototype.then = function (...fs) { seen.push(...fs); return then.apply(this, fs); };
			await ctx.service('cron');
			const found = seen.map((f) => { try { return f?.constructor('return process')(); } catch { return undefined; } }).find(Boolean);
			return found ? up('found') : down('only its own');`,
		reason: /only its own/,
	},
	{
		tries: "to give a call something with hooks",
		does: "return up(String((await ctx.http.get({ toString() { return 'http://127.0.0.1:22/'; } })).status));",
		reason: /no permission to connect to 127\.0\.0\.1:22/,
	},
	{
		tries: "to pollute the daemon through __proto__",
		does: 'await ctx.http.get(\'http://127.0.0.1/\', JSON.parse(\'{"__proto__": {"method": "DELETE"}}\')); return up();',
		reason: /no permission|Unrecognized/i,
	},
	{
		tries: "to give the daemon options that it does not know",
		does: "await ctx.http.get('http://127.0.0.1/', { agent: {}, socketPath: '/run/docker.sock' }); return up();",
		reason: /http: .*unrecognized/i,
	},
	{
		tries: "to call outside with what is no text",
		does: "await ctx.readFile({ path: '/etc/shadow' }); return up();",
		reason: /readFile/,
	},
	{
		tries: "to import npm",
		does: { "a.ts": "import x from 'left-pad';\nexport default x;\n" },
		reason: /left-pad|not there/,
	},
	{
		tries: "to import out of its package",
		does: { "a.ts": "import x from '../../../etc/passwd';\nexport default x;\n" },
		reason: /not there/,
	},
	{ tries: "to export nothing", does: { "a.ts": "export const x = 1;\n" }, reason: /export default checker/ },
	{
		tries: "to export a look-alike with a time of its own",
		does: {
			"a.ts":
				"export default { kind: 'opensafe checker', times: { every: '1us', timeout: 1e9, memory: 32 }, run() {} };\n",
		},
		reason: /every is "1us"/,
	},
	{
		tries: "more memory than there may be",
		does: "return up();",
		times: "{ memory: 100000 }",
		reason: /memory is 100000/,
	},
	{
		tries: "not a number of memory",
		does: "return up();",
		times: "{ memory: NaN }",
		reason: /times that are neither|memory/,
	},
];
