# Last step of "safekit config": the services must exist, and from now on the module starts them, not the boot.
# What is printed here is shown to the person who configures; an exit code other than 0 refuses the configuration.
$scriptName = $MyInvocation.MyCommand.Name
. "$env:SAFEUSERBIN\module_scripts_utils.ps1"

foreach ($name in (Get-ServiceNames $args)) {
    $service = Find-Service $name
    if ($null -eq $service) {
        Write-Host "Error: there is no service $name on this server. Install it, or correct SERVICES in conf\userconfig.xml."
        exit 1
    }
    Set-Service -InputObject $service -StartupType Manual -ErrorAction SilentlyContinue
    if (-not $?) { Write-Host "Warning: the start of $name could not be set to manual; it must not start at boot." }
}
exit 0
