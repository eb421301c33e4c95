/**
 * What applications do, on the mount, natively, and repeated from the operations: all three must be the same by
 * content, mode, owner, mtime, extended attributes, link groups and allocated blocks.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Mounted, sh } from "../replication/fuse/mounted.ts";
import { compareTrees } from "../replication/treeCompare.ts";

/** Runs `script` in the mount and natively, then compares. `setUp` runs in the base folder before. */
async function same(t: ExecutionContext, script: string, setUp = "true"): Promise<string> {
	const mounted = new Mounted();
	t.teardown(() => mounted.clean());
	const prepared = await sh(mounted.base, setUp);
	t.is(prepared.code, 0, prepared.out);
	await mounted.start();
	const result = await sh(mounted.dir, script);
	t.is(result.code, 0, `${result.out}\n${mounted.stderr}`);
	const native = await sh(mounted.native, script);
	t.is(native.code, 0, native.out);
	const report = await mounted.report();
	t.deepEqual(report.problems, []);
	await mounted.stop();
	await sh(mounted.base, "sync -f .");
	t.deepEqual(compareTrees(mounted.dir, mounted.copy), []);
	t.deepEqual(
		compareTrees(mounted.dir, mounted.native, { mtime: false, blocks: false, content: !/git|sqlite/.test(script) }),
		[],
	);
	return result.out;
}

/** A real tree of some hundred files. */
const sources = join(import.meta.dirname, "../../core");
const git = "git -c user.name=n -c user.email=e -c init.defaultBranch=main -c gc.auto=0 -c core.fsyncMethod=fsync";

test("git clone, commit, checkout, gc, fsck", async (t) => {
	const setUp = `set -e; mkdir origin; cd origin; ${git} init -q; git config pack.threads 1; for n in $(seq 200); do mkdir -p d$((n % 7)); seq $n $((n * 20)) > "d$((n % 7))/file $n"; done
		ln -s d1 link; printf 'x' > run; chmod +x run; ${git} add -A; ${git} commit -q -m one; ${git} checkout -q -b other; ${git} rm -q -r d3; ${git} commit -q -m two`;
	await same(
		t,
		`set -e; ${git} clone -q "file://$(cd .. && pwd)/origin" work; cd work; ${git} checkout -q main; test -f "d3/file 3"; ${git} checkout -q other; test ! -e d3; echo new > n; ${git} add n
		GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z ${git} commit -q -m three; ${git} fsck --strict --no-progress; test -z "$(${git} status --porcelain)"; rm .git/index; ${git} reset -q; rm -f .git/index .git/logs/HEAD .git/logs/refs/heads/* .git/logs/refs/remotes/origin/*`,
		setUp,
	);
});

test("tar out and in, with owners, links, devices and old dates", async (t) => {
	const setUp = `set -e; mkdir t; cd t; for n in $(seq 100); do echo $n > f$n; done; ln f1 hard; ln -s f2 soft; ln -s /nowhere broken; mkfifo pipe; mknod null c 1 3; mkdir -m 1777 sticky; touch -d 1999-12-31T23:59:59.123456789Z f3
		chown 12:34 f4; chown -h 56:78 soft; chmod 4755 f5; chmod 2750 sticky; truncate -s 10M sparse; tar --sparse -cf ../t.tar .`;
	await same(
		t,
		"set -e; tar -xpf ../t.tar --numeric-owner; tar -cf all.tar --sort=name f1 f2; rm all.tar; cp -a sparse sparse2; mkdir again; cp -a f1 hard soft null pipe again/",
		setUp,
	);
});

test("sqlite3: write-ahead log, two processes at once", async (t) => {
	const insert = (who: string) =>
		`for n in $(seq 60); do echo "insert into t(who,n) values('${who}',$n);"; done | sqlite3 -cmd '.timeout 60000' db`;
	const out = await same(
		t,
		`set -e; sqlite3 db 'pragma journal_mode=wal; create table t(who,n);' > /dev/null; (${insert("a")}) & first=$!; (${insert("b")}) & second=$!; wait $first; wait $second
		sqlite3 db 'select count(*), sum(n) from t; pragma integrity_check; pragma wal_checkpoint(truncate);'; sqlite3 db "delete from t where who='b'; vacuum; pragma journal_mode=delete;" > /dev/null`,
	);
	t.regex(out, /120\|3660\nok\n/);
});

test("rename, replace, link, unlink while open", async (t) => {
	const out = await same(
		t,
		`set -e; echo one > a; echo two > b; exec 3< b; mv a b; cat <&3; cat b; ln b c; ln c "d e"; rm b; exec 4<> c; rm c "d e"; echo three >&4; cat /proc/self/fd/4; stat -L -c %h /proc/self/fd/4
		exec 3<&- 4<&-; mkdir x y; echo 1 > x/f; mv x/f y/g; mv y x/; mkdir empty; rmdir empty; mv -T x z; ls -R; touch p q; mv -n p q; test -e p; echo r > r; exec 5< r; echo s > s; mv s r; cat <&5 r; exec 5<&-`,
	);
	t.regex(out, /^two\none\nthree\n0\n/);
});

test("sparse files, preallocation, holes, truncation", async (t) => {
	await same(
		t,
		`set -e; truncate -s 100M big; printf x | dd of=big bs=1 seek=50000000 conv=notrunc status=none; fallocate -l 1M full; fallocate -p -o 65536 -l 131072 full; touch kept; fallocate -n -l 2M kept; head -c 3000000 /dev/urandom > ../random || true
		head -c 300000 /dev/zero | tr '\\0' a > r; fallocate -z -o 4096 -l 8192 r; truncate -s 150000 r; truncate -s 250000 r; cp --sparse=always big copy; fallocate -d copy; cat r >> r2; : > emptied; echo x > emptied; : > emptied`,
	);
});

test("names of any bytes, 255 bytes, deep paths, symlinks of 4000 bytes", async (t) => {
	await same(
		t,
		`set -e; printf 1 > 'with  spaces '; printf 2 > $'tab\\tnewline\\n'; printf 3 > $'\\xff\\xfe'; printf 4 > "日本語 é"; n=$(printf 'n%.0s' $(seq 255)); printf 5 > $n; ! touch \${n}n 2>/dev/null
		d=.; for i in $(seq 60); do d=$d/folder$i; done; mkdir -p $d; echo deep > $d/file; ln -s $(printf 'l%.0s' $(seq 4000)) long; readlink long | wc -c; for i in $(seq 3000); do echo > many$i; done; ls | wc -l; mkdir m; mv many1* m/; rm many2*`,
	);
});

test("modes, owners, times, set-id bits", async (t) => {
	await same(
		t,
		`set -e; umask 027; touch u; mkdir v; umask 000; touch w; mkdir -m 2775 sgid; chgrp 77 sgid; touch sgid/f; mkdir sgid/d; umask 022
		for m in 0 644 1777 2711 4755 6777; do touch m$m; chmod $m m$m; done; chown 11:22 m4755 m6777; chmod 4755 u; chown 5 u; ln -s u lnk; chown -h 9:9 lnk; touch -h -d @1.5 lnk; touch -a -d 2001-01-01 m0; touch -m -d '1969-12-31 23:59:58.5 UTC' m644; touch -d 2100-01-01T00:00:00.999999999Z m1777
		mkdir shared; chmod 777 shared; setpriv --reuid 1234 --regid 4321 --clear-groups sh -c 'umask 002; echo x > shared/mine; mkdir shared/dir; chmod 600 shared/mine; ! chown 0 shared/mine 2>/dev/null; ! cat m0 2>/dev/null'
		touch wr; chmod 6777 wr; setpriv --reuid 1234 --regid 4321 --clear-groups sh -c 'echo x >> wr'; stat -c %a wr; chmod 6777 wr; setpriv --reuid 1234 --regid 4321 --clear-groups sh -c ': > wr'; stat -c %a wr`,
	);
});

test("appending from several processes, each line whole", async (t) => {
	const out = await same(
		t,
		`set -e; for p in 1 2 3 4; do (for n in $(seq 200); do echo "process $p line $n" >> log; done) & done; wait; wc -l < log; sort log > sorted; uniq sorted | wc -l; rm log
		dd if=/dev/zero of=direct bs=64k count=20 oflag=direct status=none; dd if=direct of=/dev/null bs=64k iflag=direct status=none; dd if=/dev/zero of=synced bs=4k count=20 oflag=sync status=none`,
	);
	t.regex(out, /^800\n800\n/);
});

test("a directory tree copied, compared, moved and removed", async (t) => {
	const mounted = new Mounted("plain");
	t.teardown(() => mounted.clean());
	await mounted.start();
	mkdirSync(join(mounted.dir, "a"));
	const result = await sh(
		mounted.dir,
		`set -e; cp -a "${sources}" a/; diff -r "${sources}" a/core; mv a b; diff -r "${sources}" b/core; find b -type f | wc -l`,
	);
	t.is(result.code, 0, result.out);
	const removed = await sh(mounted.dir, "rm -r b; ls -A");
	t.is(removed.out, "");
	t.deepEqual((await mounted.report()).problems, []);
	await mounted.stop();
	t.deepEqual(compareTrees(mounted.dir, mounted.copy), []);
});
