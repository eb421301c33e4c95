/** Effects and plans as short lines, so that a golden file reads like a protocol of what was decided. */
import type { Effect, Step } from "../../core/engine/contract.ts";

export function renderEffect(effect: Effect): string | string[] {
	switch (effect.type) {
		case "plan":
			return [`plan ${effect.plan}`, ...effect.steps.map(renderStep)];
		case "log":
			return `log ${effect.level} ${effect.origin}: ${effect.text}`;
		case "replication":
			return `order ${JSON.stringify(effect.order)}`;
		case "armTimer":
			return `arm ${effect.name} ${effect.afterMs} ms`;
		case "disarmTimer":
			return `disarm ${effect.name}`;
		case "resource":
			return `resource ${effect.name} = ${effect.value}`;
		case "witness":
			return `witness ${JSON.stringify(effect.request)}`;
		case "answer":
			return `answer ${effect.request}${effect.refused === undefined ? "" : ` refused ${effect.refused.code}`}`;
		case "abortPlan":
			return `abort plan ${effect.plan}`;
		default:
			return effect.type;
	}
}

function renderStep(step: Step): string {
	switch (step.do) {
		case "script":
			return `${step.script}${step.force === true ? " force" : ""} ${step.from} ${step.to} ${step.action}`;
		case "vip":
			return `vip ${step.set ? "on" : "off"}`;
		case "traffic":
			return `traffic ${step.open ? "open" : "closed"}`;
		case "announceVip":
			return "announce vip";
		case "checkers":
			return `checkers ${step.class} ${step.enable ? "on" : "off"}`;
		case "replication":
			return `order ${JSON.stringify(step.order)} until ${step.until}`;
		default:
			return `log ${step.level} ${step.origin}: ${step.text}`;
	}
}
