/**
 * What this thread has compiled is kept for the next thread and the next process, in the folder that NODE_COMPILE_CACHE
 * names: a thread that has to strip the types of its own files takes 10 MB more for good. Node would write it when the
 * process ends by itself, which one that is killed never does. Nothing happens without such a folder.
 */
import { flushCompileCache } from "node:module";

export function keepCompiled(): void {
	flushCompileCache();
}
