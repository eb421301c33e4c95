/** Which files' pages the kernel may keep. */
import test from "ava";
import { maxCached, PageCache } from "../../../core/replication/fuse/pageCache.ts";

test("pages stay from the second open in a role, and what is remembered of files is bounded", (t) => {
	const cache = new PageCache();
	t.false(cache.opened(1n));
	t.true(cache.opened(1n));
	cache.forget(1n);
	t.false(cache.opened(1n), "the kernel has nothing of it");
	cache.clear();
	t.false(cache.opened(1n), "what it has is of another role");
	for (let file = 2n; file <= BigInt(maxCached); file++) cache.opened(file);
	t.true(cache.opened(1n));
	cache.opened(BigInt(maxCached) + 1n);
	t.false(cache.opened(1n), "the oldest is forgotten");
});
