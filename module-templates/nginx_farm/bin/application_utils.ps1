# What nginx needs beside its service, which is a wrapper such as WinSW or NSSM; module_scripts_utils.ps1 loads this file.

# nginx ends when it has answered what it has begun; GRACE seconds at most.
function Complete-Requests([string]$name) {
    $nginx = Get-Process -Name nginx -ErrorAction SilentlyContinue | Where-Object { $_.Path } | Select-Object -First 1
    if ($null -eq $nginx) { return }
    $began = @(Get-Process -Name nginx -ErrorAction SilentlyContinue | ForEach-Object { $_.Id })
    & $nginx.Path -p (Split-Path $nginx.Path) -s quit | Out-Null
    # The wrapper may start it again meanwhile, so only those that were there count.
    Wait-Process -Id $began -Timeout ([int]"0$env:GRACE") -ErrorAction SilentlyContinue
}
