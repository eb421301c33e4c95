import test from "ava";
import { anyAnswers } from "../../core/checkers/splitbrain.ts";

const never = () => new Promise<boolean>(() => {});

test("one address that answers is enough, whatever the others do", async (t) => {
	const ping = (addr: string) => (addr === "127.0.0.2" ? Promise.resolve(true) : never());
	t.true(await anyAnswers(["127.0.0.1", "127.0.0.2"], ping, 1000));
});

test("no answer, an error and no address mean the same: not reached", async (t) => {
	t.false(await anyAnswers(["127.0.0.1"], async () => false, 100));
	t.false(await anyAnswers(["127.0.0.1"], () => Promise.reject(new Error("no raw socket")), 100));
	t.false(await anyAnswers([], async () => true, 100));
});

test("a question that is never answered ends", async (t) => {
	t.false(await anyAnswers(["127.0.0.1"], never, 50));
});
