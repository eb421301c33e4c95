/** `safekit module …`: packages and what is installed (spec/04 §5). Each command has a file in module/. */
import type { Command } from "commander";
import { type Context, type Group, needsWord } from "./groups.ts";
import { check } from "./module/check.ts";
import { create } from "./module/create.ts";
import { diff } from "./module/diff.ts";
import { encryption } from "./module/encryption.ts";
import { install } from "./module/install.ts";
import { list } from "./module/list.ts";
import { pack } from "./module/pack.ts";
import { packageCommand } from "./module/package.ts";
import { ports } from "./module/ports.ts";
import { sign } from "./module/sign.ts";
import { test } from "./module/test.ts";
import { trust } from "./module/trust.ts";
import { tryModule } from "./module/try.ts";
import { uninstall } from "./module/uninstall.ts";

/** In the order in which help lists them. */
const commands: readonly Group[] = [
	install,
	uninstall,
	packageCommand,
	list,
	ports,
	encryption,
	create,
	check,
	test,
	tryModule,
	pack,
	diff,
	sign,
	trust,
];

export function modules(program: Command, context: Context): void {
	const group = program.command("module").description("packages: install, check, package, list …");
	needsWord(group);
	for (const command of commands) command(group, context);
}
