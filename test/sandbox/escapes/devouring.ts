/** Attempts to use up memory: inside the heap, outside of it, and in one go that V8 itself cannot stop. */
import type { Hostile } from "./hostile.ts";

const stopped =
	/more memory than it may|used more than 500 ms|brought down|allocation failed|Invalid (?:array|string|typed array) (?:length|buffer)|RangeError|Array buffer|Icu error/i;

export const devouring: Hostile[] = [
	{ tries: "arrays", does: "const a = []; for (;;) a.push(new Array(10000).fill(1.5));", reason: stopped },
	{ tries: "an array of half a billion", does: "new Array(2 ** 29).fill(0); return up();", reason: stopped },
	{ tries: "an array buffer of 4 GB", does: "new ArrayBuffer(2 ** 32); return up();", reason: stopped },
	{ tries: "array buffers", does: "const a = []; for (;;) a.push(new ArrayBuffer(1 << 20));", reason: stopped },
	{ tries: "typed arrays", does: "const a = []; for (;;) a.push(new Float64Array(1e5).fill(1));", reason: stopped },
	{
		tries: "array buffers that grow",
		does: "const a = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 2 ** 28 }); b.resize(2 ** 28); new Uint8Array(b).fill(1); a.push(b); }",
		reason: stopped,
	},
	{ tries: "strings that double", does: "let s = 'x'; for (;;) s += s;", reason: stopped },
	{
		tries: "strings that are really there",
		does: "const a = []; for (let i = 0; ; i++) { const s = ('x' + i).repeat(1e6); s.charCodeAt(7); a.push(Array.from(s.slice(0, 9)).join('') + s); }",
		reason: stopped,
	},
	{ tries: "a map", does: "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i });", reason: stopped },
	{ tries: "a long list of objects", does: "let o = {}; for (;;) o = { o };", reason: stopped },
	{ tries: "closures", does: "let f = () => 0; for (;;) { const g = f; f = () => g; }", reason: stopped },
	{
		tries: "an array as long as can be",
		does: "Array.from({ length: 2 ** 32 - 1 }, () => ({})); return up();",
		reason: stopped,
	},
	{ tries: "a text in pieces", does: "'x'.repeat(2 ** 26).split(''); return up();", reason: stopped },
	{
		tries: "a text that is padded and replaced",
		does: "''.padEnd(2 ** 29 - 30, 'abc').replace(/abc/g, 'defghi'); return up();",
		reason: stopped,
	},
	{
		tries: "a text that is normalized",
		does: "'\\u0344'.repeat(2 ** 26).normalize('NFD'); return up();",
		reason: stopped,
	},
	{ tries: "a number with a billion digits", does: "let x = 3n; for (;;) x *= x;", reason: stopped },
	{ tries: "a power of two that does not fit", does: "(2n ** (2n ** 29n)).toString(); return up();", reason: stopped },
	{
		tries: "JSON of a huge array",
		does: "JSON.stringify(new Array(2 ** 26).fill('aaaaaaaaaaaaaaa')); return up();",
		reason: stopped,
	},
	{
		tries: "formats of dates, which live outside of the heap",
		does: "const a = []; for (;;) a.push(new Intl.DateTimeFormat('de').format(new Date()));",
		reason: stopped,
	},
	{
		tries: "symbols that are never forgotten",
		does: "for (let i = 0; ; i++) Symbol.for('x'.repeat(1000) + i);",
		reason: stopped,
	},
	{
		tries: "code without end",
		does: "for (let i = 0; ; i++) new Function('return ' + '1+'.repeat(10000) + i);",
		reason: stopped,
	},
	{
		tries: "memory bit by bit in every run",
		does: "globalThis.kept ??= []; for (let i = 0; i < 2e5; i++) globalThis.kept.push({ i, text: 'x' + i }); const again = []; for (;;) again.push([...globalThis.kept]);",
		reason: stopped,
	},
];
