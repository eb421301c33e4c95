# Starts the application. At this moment replicated directories and the virtual IP address are in place.
# Arguments: <state> <next state> <action> [-Services "<list>"]
$scriptName = $MyInvocation.MyCommand.Name
. "$env:SAFEUSERBIN\module_scripts_utils.ps1"
Write-Host "$scriptName $args"

foreach ($name in (Get-ServiceNames $args)) {
    if (-not (Start-ModuleService $name)) { Stop-Module "service $name does not start" }
}
exit 0
