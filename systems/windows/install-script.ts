/** Where the Luna client lives on a Windows host. */
export const lunaClientFolder = 'C:\\Program Files\\SafeNet\\LunaClient';

/**
 * What the Azure guest agent runs on the Windows host: key-only OpenSSH, reachable on the cloud's (public) firewall profile, and the Luna client with all its
 * features from a checked installer. May be run twice. Its last lines tell what the step must know.
 * Sources: reference luna.md §5 (installer) and §9 (administrators_authorized_keys needs exactly these two on its ACL; the rule's usual profile is Private).
 */
export const installScript = String.raw`param([string]$PublicKey, [string]$InstallerUrl, [string]$InstallerSha256)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0
Set-Service -Name sshd -StartupType Automatic
Start-Service -Name sshd
Set-NetFirewallRule -Name OpenSSH-Server-In-TCP -Profile Any
$ssh = Join-Path $env:ProgramData 'ssh'
$keys = Join-Path $ssh 'administrators_authorized_keys'
Set-Content -Path $keys -Value $PublicKey
icacls $keys /inheritance:r /grant '*S-1-5-32-544:F' /grant '*S-1-5-18:F'
$config = Join-Path $ssh 'sshd_config'
$text = (Get-Content -Path $config -Raw) -replace '(?m)^#?PasswordAuthentication .*$', 'PasswordAuthentication no'
Set-Content -Path $config -Value $text
Restart-Service -Name sshd
$client = Join-Path $env:ProgramFiles 'SafeNet\LunaClient'
$lunacm = Join-Path $client 'lunacm.exe'
if (-not (Test-Path $lunacm)) {
  $installer = Join-Path $env:TEMP 'LunaHSMClient.exe'
  Invoke-WebRequest -UseBasicParsing -Uri $InstallerUrl -OutFile $installer
  $hash = (Get-FileHash -Algorithm SHA256 -Path $installer).Hash
  if ($hash -ne $InstallerSha256) {
    throw "The installer's SHA-256 is $hash, not $InstallerSha256, so it was not run."
  }
  $setup = Start-Process -FilePath $installer -ArgumentList '/install /quiet /norestart addlocal=all' -Wait -PassThru
  if ($setup.ExitCode -ne 0) {
    throw "The installer ended with exit code $($setup.ExitCode)."
  }
}
$version = (Get-Item $lunacm).VersionInfo.FileVersion
$vtl = Test-Path (Join-Path $client 'vtl.exe')
$hostKey = Get-Content -Path (Join-Path $ssh 'ssh_host_rsa_key.pub')
Write-Output "client-version: $version"
Write-Output "vtl: $vtl"
Write-Output "host-key: $hostKey"
`;
