/**
 * Main file of a process that lives for a moment: it reads the files of checkers and strips their types, which needs a
 * compiler that the daemon would keep in its memory for good (40 MB for 1000 checkers). One question, one answer.
 */
import { readFileSync } from "node:fs";
import { asSafekitError } from "../../errors.ts";
import { sandboxProgram } from "../program.ts";
import { readChecker } from "../sources.ts";
import type { Answer, Question } from "./reader.ts";

const { bin, execs } = JSON.parse(readFileSync(0, "utf8")) as Question;
const answer: Answer = { program: bin === null ? sandboxProgram() : null, checkers: {} };
for (const exec of execs) {
	try {
		answer.checkers[exec] = readChecker(bin ?? "", exec);
	} catch (error) {
		const { code, message } = asSafekitError(error);
		answer.checkers[exec] = { code, message };
	}
}
process.stdout.write(JSON.stringify(answer));
