/** Takes from this process what it does not need: rights, files, priority. Its network was taken before it began. */
import { writeFileSync } from "node:fs";
import { native, orErrno } from "./native.ts";

const [parentDeathSignal, dumpable, timerSlack, kill] = [1, 4, 29, 9];
/** How late timers of this process may be, in nanoseconds, so that many of them wake it once. */
const slackNs = 10_000_000;
/** A range that no system gives to users; each process has its own, so that none can touch another. */
const firstUser = 1_900_000_000;

/**
 * Call it when everything is loaded. `folder`: an empty one, the only thing that can be seen afterwards. Does what the
 * rights of this process allow; one that is not root keeps its user and its view of the disk.
 * @throws Error when root cannot give up its rights: the process must not go on then.
 */
export function confine(folder: string | null): void {
	const prctl = native("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
	orErrno(prctl(timerSlack, slackNs, 0, 0, 0));
	// The first to go when memory is short, whoever used it.
	writeFileSync("/proc/self/oom_score_adj", "1000");
	if (process.getuid?.() === 0) {
		if (folder !== null) changeRoot(folder);
		const user = firstUser + process.pid;
		process.setgroups?.([]);
		process.setgid?.(user);
		process.setuid?.(user);
	}
	// After the change of user, which would undo both.
	orErrno(prctl(parentDeathSignal, kill, 0, 0, 0));
	orErrno(prctl(dumpable, 0, 0, 0, 0));
}

function changeRoot(folder: string): void {
	const chroot = native("int chroot(const char *)");
	const failed = orErrno(chroot(`${folder}\0`));
	if (failed < 0) throw new Error(`chroot ${folder} failed: ${failed}`);
	process.chdir("/");
}
