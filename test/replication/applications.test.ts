/**
 * What applications do, on a real pair of nodes: before the second node comes (a resync carries it over), while both
 * are there (live), and after the roles were swapped. Both trees must be the same by content, mode, owner, mtime in
 * ns, extended attributes, link groups and allocated blocks.
 */
import test from "ava";
import { sh } from "./fuse/mounted.ts";
import { Pair, type TestNode } from "./pair.ts";

const git = "git -c user.name=n -c user.email=e@example.org -c init.defaultBranch=main -c gc.auto=0";

/** Each works in a folder of its own. The open file holds its content until the shell lets go of it. */
const applications: Record<string, string> = {
	git: `${git} init -q o; for n in $(seq 60); do seq $n 500 > "o/file $n"; done; cd o; ${git} add -A; ${git} commit -qm one
		cd ..; ${git} clone -q "file://$PWD/o" clone; cd clone; ${git} rm -q 'file 7'; ${git} commit -qm two; ${git} gc -q; ${git} fsck --strict --no-progress`,
	tar: `mkdir t; for n in $(seq 80); do head -c $((n * 700)) /dev/urandom > t/f$n; done; ln -s f1 t/soft; ln t/f2 t/hard; tar -cf t.tar t; rm -r t; tar -xpf t.tar`,
	sqlite: `sqlite3 db 'pragma journal_mode=wal; create table t(w, n)' > out
		for w in a b; do (for n in $(seq 40); do echo "insert into t values('$w', $n);"; done | sqlite3 -cmd '.timeout 60000' db) & done; wait
		test "$(sqlite3 db 'select count(*) from t; pragma integrity_check' | tr '\\n' ' ')" = '80 ok '`,
	rename: `echo old > a; echo new > b; mv b a; mkdir d e; echo x > d/x; mv d e/d; mv -T e f; for n in $(seq 50); do echo $n > tmp; mv tmp final; done`,
	links: `echo one > a; ln a b; ln b c; echo two >> c; rm a; mkdir d; ln b d/e; ln -s b soft; ln -s /nowhere broken; echo l > u; ln u v; rm u v`,
	open: `exec 3<> file; echo kept >&3; rm file; echo more >&3; exec 4< /proc/self/fd/3; test "$(cat <&4)" = "$(printf 'kept\\nmore')"; exec 3>&- 4<&-`,
	sparse: `truncate -s 64M hole; printf data | dd of=hole bs=1 seek=33554432 conv=notrunc status=none; cp --sparse=always hole copy
		fallocate -l 4M full; fallocate -p -o 1M -l 1M full; fallocate -n -l 8M full; head -c 3000000 /dev/urandom > cut; truncate -s 12345 cut`,
	names: `mkdir -p 'with blank/ünïcödé/日本'; echo 1 > 'with blank/ünïcödé/日本/ naïve file '; printf x > "$(printf 'bad\\377byte')"; touch "$(printf 'n%.0s' $(seq 255))"; touch -- '-dash' 'quote"s' "new
line"`,
	attributes: `echo a > a; chmod 4750 a; chown 123:456 a; touch -d '2001-02-03 04:05:06.123456789' a; setfattr -n user.one -v first a; setfattr -n user.two -v x a; setfattr -x user.two a
		mkdir -m 2775 d; setfattr -n user.dir -v d d; touch -d 1999-12-31T23:59:59.987654321 d; ln -s a s; chown -h 7:8 s; touch -h -d 2002-02-02T02:02:02.5 s; mkfifo -m 600 p`,
};

async function work(t: { is(a: unknown, b: unknown, why?: string): unknown }, node: TestNode, moment: string) {
	for (const [name, script] of Object.entries(applications)) {
		const done = await sh(node.dir, `set -e; mkdir -p '${moment}/${name}'; cd '${moment}/${name}'\n${script}`);
		t.is(done.code, 0, `${name}, ${moment}: ${done.out}\n${node.story()}`);
	}
}

test.serial("applications leave the same on both servers: copied, live, and after a swap", async (t) => {
	t.timeout(300_000);
	const pair = await Pair.make(t);
	const { a, b } = pair;
	const prepared = await sh(a.dir, "mkdir before");
	t.is(prepared.code, 0);
	await work(t, a, "before");
	await pair.up();
	await work(t, a, "live");
	await a.ask({ order: "seal" }, "sealed");
	await b.ask({ order: "promote" }, "promoted");
	await pair.join(b, a, "EQUAL");
	await work(t, b, "swapped");
	await b.ask({ order: "seal" }, "sealed");
	for (const node of [a, b]) await node.ask({ order: "close" }, "closed");
	t.deepEqual(pair.differences(), []);
});
