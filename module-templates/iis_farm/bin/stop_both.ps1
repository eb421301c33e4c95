# Stops the application. Called twice: first gracefully, then with "force" as first argument.
# Arguments: [force] <state> <next state> <action> [-Services "<list>"]
$scriptName = $MyInvocation.MyCommand.Name
. "$env:SAFEUSERBIN\module_scripts_utils.ps1"
Write-Host "$scriptName $args"

$names = @(Get-ServiceNames $args)
[array]::Reverse($names)
$left = 0
foreach ($name in $names) {
    if ($args[0] -eq "force") {
        # The graceful pass gave the order to stop; this one only looks whether it was obeyed.
        $stopped = ($null -eq (Find-Service $name)) -or (Wait-ServiceState $name "Stopped")
    } else {
        $stopped = Stop-ModuleService $name
    }
    if (-not $stopped) {
        Write-Report "service $name is not stopped"
        $left = 1
    }
}
exit $left
