/** What is made has exactly the mode, owner and lists that were asked for, whatever its directory is like. */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { linuxSystem as system } from "../../../core/platform/linux/libc.ts";
import { errno, type } from "../../../core/replication/errno.ts";
import { accessAcl, defaultAcl } from "../../../core/replication/local/acl.ts";
import { makeFile } from "../../../core/replication/local/make.ts";
import { openTree } from "../../../core/replication/local/setup.ts";
import { makeTestFolder } from "../../folder.ts";

/** user::rwx user:1000:rwx group::rwx mask::rwx other::rwx */
const list = Buffer.from(
	"0200000001000700ffffffff02000700e803000004000700ffffffff10000700ffffffff20000700ffffffff",
	"hex",
);

test("mode, owner and lists, in a plain directory and in one with a default list that came later", (t) => {
	const dir = makeTestFolder("make");
	const tree = openTree(system, dir, false);
	t.teardown(() => {
		tree.close();
		rmSync(dir, { recursive: true, force: true });
	});
	const make = (name: string, mode: number): string => {
		const made = makeFile(tree, tree.rootFd, name, {
			...{ mode, uid: 1000, gid: 1001, rdev: 0, id: "7.0.9" },
			directory: tree.rootRef,
		});
		if (typeof made === "number") throw new Error(`${name}: ${made}`);
		t.is(tree.idOfFd(made.fd, made.ref), "7.0.9");
		t.is(system.getxattr(made.fd, accessAcl), -errno.ENODATA, name);
		system.close(made.fd);
		const { mode: got, uid, gid } = statSync(join(dir, name));
		t.deepEqual([uid, gid], [1000, 1001]);
		return got.toString(8);
	};
	const modes = [0o600, 0o644, 0o666, 0o777, 0o4755, 0o2750, 0o1644, 0];
	const all = (prefix: string) => {
		for (const mode of modes) {
			t.is(make(`${prefix}-${mode.toString(8)}`, type.FILE | mode), (type.FILE | mode).toString(8));
			t.is(make(`${prefix}-d${mode.toString(8)}`, type.DIRECTORY | mode), (type.DIRECTORY | mode).toString(8));
		}
	};
	all("plain");
	t.is(system.setxattr(tree.rootFd, defaultAcl, list, 0), 0);
	tree.defaultLists.forget();
	all("listed");
});
