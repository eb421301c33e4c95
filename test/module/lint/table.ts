/** Mistakes in PowerShell scripts and TypeScript checkers, and services that nobody stops. */

export interface Row {
	what: string;
	/** Of bin/, by name. */
	files: Record<string, string>;
	/** Code, severity, file:line:column. */
	found: string[][];
}

function ps(what: string, text: string, ...found: [severity: string, place: string][]): Row {
	return {
		what,
		files: { "start_prim.ps1": text },
		found: found.map(([severity, at]) => ["LINT_SYNTAX", severity, `start_prim.ps1:${at}`]),
	};
}

/** What published packages are made of. */
const family = `#requires -Version 5
<# what it does { #>
param([Parameter(Position=0)][string]$State, [string]$Services = "")
. "$env:SAFEUSERBIN\\module_scripts_utils.ps1"
function Stop-All([string[]] $names, [switch]$force) {
    foreach ($s in $names) {
        $svc = Get-Service -Name $s -ErrorAction SilentlyContinue
        if ($null -eq $svc) { & "$env:SAFE\\safekit" printe "no $($svc.Name) ("; exit 1 }
        elseif ($svc.Status -ne 'Running') { Stop-Service $s -Force } # {
        else { "it''s" | Out-File -FilePath "$env:SAFEUSERVAR\\x.txt" -Append }
    }
}
try { Stop-All @("a", 'b{') } catch [System.Exception] { throw } finally { $null }
$text = @"
here "$(1 + 1)" {
"@
$hash = @{ a = 1; b = { param($x) $x } }
$state = (Get-VM -Name $env:VM_NAME).State -eq [Microsoft.HyperV.PowerShell.VMState]::Running
Get-Process | Where-Object { $_.Name -eq 'postgres' } | ForEach-Object { $_.Kill() }
$xml = [xml](Get-Content "$env:SAFEUSERCONF\\safeconf.xml")
do { Start-Sleep -Seconds 5 } until ($hash.a -ge 1)
exit $LASTEXITCODE
`;

export const powershellRows: readonly Row[] = [
	ps("a sound script", family),
	ps("the same with CRLF and a BOM", `\ufeff${family.replaceAll("\n", "\r\n")}`),
	ps("a brace that is not closed", "if ($true) {\n  exit 1\n", ["error", "1:12"]),
	ps("a brace too many", "exit 0\n}\n", ["error", "2:1"]),
	ps("a parenthesis that is not closed", "$a = 1\nif ($a -eq 1 {\n  exit 1\n}\n", ["error", "2:4"]),
	ps("a quote that is not closed", "$a = 'x\nexit 0\n", ["error", "1:6"]),
	ps("a word in the wrong place", "foreach ($a on $b) { exit 1 }\n", ["warning", "1:1"]),
	ps("what only version 7 reads", "$a = 1\n$x = $a ?? 3\n", ["warning", "2:6"]),
];

function service(what: string, files: Record<string, string>, ...found: string[]): Row {
	return { what, files, found: found.map((at) => ["LINT_SERVICE", "warning", at]) };
}

const sh = "#!/bin/sh\n";

export const serviceRows: readonly Row[] = [
	service(
		"systemctl",
		{ start_prim: `${sh}systemctl start a b.service 2>&1\n`, stop_prim: `${sh}systemctl stop a\n` },
		"start_prim:2:19",
	),
	service("systemctl, stopped", {
		start_both: `${sh}systemctl start a b\n`,
		stop_both: `${sh}systemctl --quiet stop "b" a.service\n`,
	}),
	service(
		"service",
		{ start_prim: `${sh}service nginx start\n`, stop_prim: `${sh}# service nginx stop\n` },
		"start_prim:2:9",
	),
	service("service, stopped by a library", {
		start_prim: `${sh}service nginx start\n`,
		lib: `${sh}service nginx stop\n`,
	}),
	service("names in variables", { start_prim: `${sh}systemctl start "$unit"\nservice $x start\n` }),
	service("net start", { "start_prim.cmd": 'net start "My Service"\r\nexit /b 0\r\n' }, "start_prim.cmd:1:12"),
	service("net start, stopped with sc", {
		"start_prim.cmd": 'net start "My Service"\r\nexit /b 0\r\n',
		"stop_prim.cmd": 'sc stop "my service"\r\nexit /b 0\r\n',
	}),
	service("Start-Service", { "start_prim.ps1": "Start-Service -Name W3SVC\n" }, "start_prim.ps1:1:21"),
	service("Start-Service, stopped", {
		"start_prim.ps1": "Start-Service W3SVC\n",
		"stop_prim.ps1": "Stop-Service -Force -Name 'W3SVC'\n",
	}),
	service("a container", { start_prim: `${sh}docker start web\n` }, "start_prim:2:14"),
];

const good = `import { checker, down, up } from "opensafe";
import { path } from "./paths.ts";
export default checker({ every: "5s", timeout: "2s" }, async (ctx) => {
	const answer = await ctx.http.get(\`http://\${ctx.args[0]}\${path}\`);
	return answer.status === 200 ? up() : down(\`HTTP \${answer.status}\`);
});
`;
const paths = 'export const path = "/health";\n';

function types(what: string, text: string, ...found: string[]): Row {
	return {
		what,
		files: { "checks/web.ts": text, "checks/paths.ts": paths },
		found: found.map((at) => ["LINT_TYPE", "error", `checks/web.ts:${at}`]),
	};
}

export const typeRows: readonly Row[] = [
	types("a sound checker with a file beside it", good),
	types("a name that the context does not have", good.replace("ctx.http.get", "ctx.http.gte"), "4:32"),
	types("a status that is compared with a text", good.replace("=== 200", '=== "200"'), "5:9"),
	types("what only node has", good.replace("ctx.args[0]", "process.argv[0]"), "4:46"),
	types("no TypeScript at all", `${good}const x = ;\n`, "7:11"),
	types("what cannot be stripped", `${good}enum Color { Red }\n`, "7:6"),
	types("a file that is not there", good.replace("./paths.ts", "./path.ts"), "2:22"),
];
