/** Access control lists: as on a local disk when they are configured, and nowhere when they are not. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Mounted, sh } from "../replication/fuse/mounted.ts";
import { compareTrees } from "../replication/treeCompare.ts";

/** Everything that makes, changes, inherits or drops a list; what getfacl and stat say of it. */
const script = `set -e; umask 027; mkdir d; touch f; setfacl -m u:1234:rw,g:77:r f; getfacl -cn f; stat -c %a f; chmod 640 f; getfacl -cn f; chmod 604 f; getfacl -cn f
setfacl -d -m u:1234:rwx,g:77:rx,o::- d; getfacl -cn d; touch d/file; mkdir d/sub; mkfifo d/pipe; ln -s x d/link; (umask 077; touch d/masked; mkdir d/sub/deep); install -m 0444 /dev/null d/installed
for p in d/file d/sub d/pipe d/masked d/sub/deep d/installed; do getfacl -cn $p; stat -c '%a %u %g' $p; done
setfacl -d -m u::rw,g::-,o::- d/sub; touch d/sub/plain; getfacl -cn d/sub/plain; stat -c %a d/sub/plain; setfacl -k d; touch d/after; mkdir d/after2; getfacl -cn d/after d/after2; setfacl -b f; getfacl -cn f
chmod 777 d; chmod 2775 d/sub; chgrp 77 d/sub; setpriv --reuid 1234 --regid 4321 --clear-groups sh -c 'touch d/own; chmod 2755 d/own; setfacl -m u:55:rw d/own; stat -c %a d/own; getfacl -cn d/own; cat d/file; echo more >> d/file; touch d/sub/by; ! setfacl -m u:1:r f 2>&1'
cp -a d d2; getfacl -R -cn d2 | sort | uniq -c; getfattr -m - d/file; rm -r d2; mv d/file d/moved; getfacl -cn d/moved; setfacl -m m::r d/moved; stat -c %a d/moved; ! setfacl -d -m u:1:r f 2>&1`;

test("with acl, lists are kept, inherited and obeyed as natively, and repeated", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	await m.start({ acl: true });
	const [mine, native] = [await sh(m.dir, script), await sh(m.native, script)];
	t.is(native.code, 0, native.out);
	t.is(mine.out, native.out);
	t.is(mine.code, 0, mine.out);
	t.regex(mine.out, /user:1234:rwx/);
	t.deepEqual((await m.report()).problems, []);
	await m.stop();
	t.deepEqual(compareTrees(m.dir, m.copy), []);
	t.deepEqual(compareTrees(m.dir, m.native, { mtime: false }), []);
});

test("without acl none are offered, and those of the file system underneath are not inherited", async (t) => {
	const m = new Mounted();
	t.teardown(() => m.clean());
	mkdirSync(join(m.dir, "old"));
	mkdirSync(join(m.copy, "old"));
	await sh(m.dir, "setfacl -d -m u:1234:rwx,o::- old; setfacl -d -m u:1234:rwx,o::- .");
	await m.start();
	const out = await sh(
		m.dir,
		"umask 022; setfacl -m u:1:r . 2>&1; getfattr -n system.posix_acl_access . 2>&1; touch f; mkdir e; touch e/g; stat -c %a f e e/g; touch old/x; mkdir old/y; stat -c %a old/x old/y",
	);
	t.regex(out.out, /Operation not supported[\s\S]*Operation not supported\n644\n755\n644\n644\n755\n$/);
	await m.stop();
	t.is((await sh(m.dir, "getfacl -cn f e e/g old/x old/y | grep -c -e 1234 -e mask -e default")).out, "0\n");
});
