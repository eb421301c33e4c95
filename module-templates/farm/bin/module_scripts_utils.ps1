# Functions for the scripts of this module; they load this file, nobody runs it.
#
# The services of the application are named as Windows names them, by name or display name. Scripts work on the list
# that they find first: the argument after -Services, the variable SERVICES, the <var name="SERVICES"> of the
# configuration. They are started in the order of the list and stopped in the reverse order.

# Overridden by application_utils.ps1, where a module has that file: lets clients of the service have their answers before
# it is stopped. IIS and Apache do that by themselves.
function Complete-Requests([string]$name) { }

# Seconds that a service may take to reach a state after its start or stop command has ended.
$stateLimit = 10

# A line in the script's own log, and an event in the module's log.
function Write-Report([string]$text) {
    Write-Host $text
    & "$env:SAFE\safekit" printe "$($scriptName): $text" | Out-Null
}

# Reports why, orders the module to stop, and ends the script. The order does not wait for the script.
function Stop-Module([string]$why) {
    Write-Report "$why; the module stops"
    & "$env:SAFE\safekit" stop -i $scriptName | Out-Null
    exit 1
}

# The value of <var name="..."> in the configuration; empty if there is none.
function Get-ConfiguredValue([string]$name) {
    $file = "$env:SAFEUSERCONF\safeconf.xml"
    if (-not (Test-Path $file)) { return "" }
    $found = Select-Xml -Path $file -XPath "//user/var[@name='$name']/@value" | Select-Object -First 1
    if ($null -eq $found) { return "" }
    return $found.Node.Value
}

# The services, from the arguments of the script or from where they are configured.
function Get-ServiceNames([string[]]$words) {
    $list = ""
    $at = [array]::IndexOf($words, "-Services")
    if ($at -ge 0 -and $at + 1 -lt $words.Count) { $list = $words[$at + 1] }
    if ($list -eq "") { $list = "$env:SERVICES" }
    if ($list -eq "") { $list = Get-ConfiguredValue "SERVICES" }
    return @($list -split "," | ForEach-Object { $_.Trim() } | Where-Object { $_ -ne "" })
}

# The service with this name or display name; null if there is none.
function Find-Service([string]$name) {
    $service = Get-Service -Name $name -ErrorAction SilentlyContinue
    if ($null -eq $service) { $service = Get-Service -DisplayName $name -ErrorAction SilentlyContinue }
    return $service | Select-Object -First 1
}

# True when the service is in the state before the time is over.
function Wait-ServiceState([string]$name, [string]$state) {
    for ($seconds = 0; $seconds -le $stateLimit; $seconds++) {
        $service = Find-Service $name
        if ($null -ne $service -and $service.Status -eq $state) { return $true }
        Start-Sleep -Seconds 1
    }
    return $false
}

# True when the service runs; one that runs already is left as it is.
function Start-ModuleService([string]$name) {
    $service = Find-Service $name
    if ($null -eq $service) { return $false }
    Write-Host "starting $name, which is $($service.Status)"
    if ($service.Status -ne "Running") { Start-Service -InputObject $service -ErrorAction SilentlyContinue }
    return (Wait-ServiceState $name "Running")
}

# True when the service has stopped, with the services that need it.
function Stop-ModuleService([string]$name) {
    $service = Find-Service $name
    if ($null -eq $service) { return $true }
    Write-Host "stopping $name, which is $($service.Status)"
    Complete-Requests $name
    if ($service.Status -ne "Stopped") { Stop-Service -InputObject $service -Force -ErrorAction SilentlyContinue }
    return (Wait-ServiceState $name "Stopped")
}

if (Test-Path "$env:SAFEUSERBIN\application_utils.ps1") { . "$env:SAFEUSERBIN\application_utils.ps1" }
