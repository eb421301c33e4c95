# First script of a module that starts: the application must not run before replication and virtual IP are set, or it
# would write past the replication. Runs the stop scripts, gracefully and then with "force", and looks.
$scriptName = $MyInvocation.MyCommand.Name
. "$env:SAFEUSERBIN\module_scripts_utils.ps1"
Write-Host "$scriptName $args"

foreach ($force in @($null, "force")) {
    foreach ($script in @("stop_second", "stop_prim", "stop_both")) {
        $file = "$env:SAFEUSERBIN\$script.ps1"
        if (Test-Path $file) { & powershell -NoProfile -ExecutionPolicy Bypass -File $file $force }
    }
}

foreach ($name in (Get-ServiceNames $args)) {
    $service = Find-Service $name
    if ($null -ne $service -and $service.Status -ne "Stopped") {
        Stop-Module "service $name must be stopped before the module starts"
    }
}
exit 0
