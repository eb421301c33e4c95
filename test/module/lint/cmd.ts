/** Mistakes in scripts of the Windows command processor. */
import type { Row } from "./table.ts";

function script(...lines: string[]): Record<string, string> {
	return { "start_prim.cmd": ["@echo off", ...lines, ""].join("\r\n") };
}

function row(what: string, lines: string[], ...found: [code: string, severity: string, place: string][]): Row {
	return {
		what,
		files: script(...lines),
		found: found.map(([code, severity, at]) => [`LINT_${code}`, severity, `start_prim.cmd:${at}`]),
	};
}

const end = "exit /b 0";

/** A script as version 7 had them. */
const old = [
	'echo "Running start_prim %*"',
	'if "%1"=="force" goto end',
	"rem net start is called with the service's name: %SAFE%",
	":: set X = 1",
	'net start "%SERVICE%" > nul 2>&1',
	"if not %errorlevel% == 0 (",
	'  "%SAFE%\\safekit" printe "start_prim (My Service) failed"',
	'  rem "%SAFE%\\safekit" stop -i "start_prim"',
	"  goto end",
	") else (",
	"  echo started ^(really^) & echo done",
	")",
	'for /f "tokens=2 delims=(" %%a in (\'sc query "My Service" ^| find "RUNNING"\') do set RESULT=%%a',
	'"%SAFEBIN%\\sleep" 10',
	'if exist "%SAFEVAR%\\x" if defined RESULT (del "%SAFEVAR%\\x") else echo none',
	"call :sub one",
	"set /a COUNT = COUNT + 1",
	'set "TEXT=a = b"',
	":end",
	end,
	":sub",
	"echo sub %1",
	"goto :eof",
];

export const cmdRows: readonly Row[] = [
	row("a sound script in the style of version 7", old),
	row("no exit /b at the end", ["echo x"], ["CMD_EXIT", "warning", "2:6"]),
	row("an exit in one branch and at the end", ["if errorlevel 1 exit /b 1", "goto loop", ":loop", "exit 0"]),
	{ what: "no exit in a file that is only called", files: { "lib.cmd": "echo x\r\n" }, found: [] },
	{
		what: "exit without /b in a script that another one calls",
		files: {
			"prestart.cmd": 'call "%SAFEUSERBIN%\\stop_prim.cmd" force\r\nexit /b 0\r\n',
			"stop_prim.cmd": "if errorlevel 1 exit /b 1\r\nexit 1\r\n",
		},
		found: [["LINT_CMD_EXIT_CALLER", "warning", "stop_prim.cmd:2:1"]],
	},
	row("running on into a subroutine", ["call :sub", ":sub", "echo x", end], ["CMD_FALL", "warning", "3:1"]),
	row("a subroutine behind an exit", ["call :sub", end, ":sub", "echo x", end]),
	row("a path without quotes", ["%SAFE%\\safekit printe x", end], ["CMD_QUOTES", "warning", "2:1"]),
	row("a path without quotes in a condition", ["if exist %SAFEVAR%\\x echo y", end], ["CMD_QUOTES", "warning", "2:10"]),
	row("paths that need no quotes", ["echo %SAFE%", "set X=%SAFE%\\y", 'cd /d "%SAFE%"', end]),
	row("net start | find", ['net start | find "Spooler"', end], ["CMD_LANGUAGE", "warning", "2:1"]),
	row(
		"the words of net in a loop",
		["for /f %%a in ('net user') do echo %%a", end],
		["CMD_LANGUAGE", "warning", "2:1"],
	),
	row("the label of sc", ["sc query x | findstr STATE", end], ["CMD_LANGUAGE", "warning", "2:1"]),
	row("a message of tasklist", ['tasklist | find "No tasks"', end], ["CMD_LANGUAGE", "warning", "2:1"]),
	row("words that are never translated", [
		'sc query x | find "RUNNING"',
		'tasklist | find /i "a.exe"',
		"net stop x",
		end,
	]),
	row("goto to a label that is missing", ['if "%1"=="force" goto ende', ":end", end], ["CMD_LABEL", "error", "2:18"]),
	row("call to a label that is missing", ["call :nowhere 1", end], ["CMD_LABEL", "error", "2:1"]),
	row("labels in capitals, with blanks, computed", ["goto  END", "goto %1", "goto:eof", ":End of it", end]),
	row("a blank before =", ["set COUNT =1", end], ["CMD_SET", "warning", "2:5"]),
	row("a blank behind =", ["set COUNT= 1", end], ["CMD_SET", "warning", "2:5"]),
	row("blanks that belong there", ["set /a X = 1", "set /p X=How many? ", 'set "Y=a = b"', "set X", "set Y=", end]),
	row(
		"a variable that a block sets and reads",
		["if exist x (", "  set N=1", "  echo %N%", ")", "echo %N%", end],
		["CMD_DELAYED", "warning", "4:8"],
	),
	row(
		"errorlevel inside a block",
		["if exist x (", '  net start "%NAME%"', "  if %errorlevel% neq 0 echo bad", ")", end],
		["CMD_DELAYED", "warning", "4:6"],
	),
	row("!X! without delayed expansion", ["dir !X!", end], ["CMD_DELAYED", "warning", "2:5"]),
	row("!X! with it", ["setlocal EnableDelayedExpansion", "for %%a in (1 2) do (", "set X=%%a", "dir !X!", ")", end]),
	row("a block that is never closed", ['if "%1"=="a" (', "echo x", end], ["CMD_PAREN", "error", "2:14"]),
	row(
		"a parenthesis in a text that closes the block",
		['if "%1"=="a" (', "echo (x)", ")", end],
		["CMD_PAREN", "warning", "4:1"],
	),
	row("parentheses outside of blocks", ["echo (x) :) ", 'if "%1"=="a" (echo "b)" ^)) else (echo c)', end]),
	row("another script without call", ["other.cmd x", "echo never", end], ["CMD_CALL", "warning", "2:1"]),
	row("another script with call, or at the end", ["call other.cmd", '"%SAFEUSERBIN%\\other.bat"', end]),
	{
		what: "LF line ends and labels",
		files: { "start_prim.cmd": "goto end\n:end\nexit /b 0\n" },
		found: [["LINT_CMD_LINES", "warning", "start_prim.cmd:1:1"]],
	},
	{ what: "LF line ends without labels", files: { "start_prim.cmd": "echo x\nexit /b 0\n" }, found: [] },
];
