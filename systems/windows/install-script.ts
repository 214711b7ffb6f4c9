/** Where the Luna client lives on a Windows host. */
export const lunaClientFolder = 'C:\\Program Files\\SafeNet\\LunaClient';
/** Where a second one lives whose vtl makes CipherTrust Manager’s certificate, if the request wants one. */
export const certificateClientFolder = 'C:\\Program Files\\SafeNet\\LunaCertificateClient';

/** Quoted within PowerShell’s own double quotes. */
const besideTheFirst = ' installdir=`"$certificateClient`"';

/**
 * Fetches an installer, compares its hash before anything of it runs, and runs it silently. An address may carry a signature: neither it nor an error of the
 * fetching, which may quote it, is ever printed. 3010 is success that wants a restart some time.
 */
const install = (program: string, parameters: string, file: string, options: string) => `
if (-not (Test-Path ${program})) {
  $installer = Join-Path $env:TEMP '${file}.exe'
  $log = Join-Path $env:TEMP '${file}.log'
  try {
    Invoke-WebRequest -UseBasicParsing -Uri $${parameters}Url -OutFile $installer
  } catch {
    throw "The installer could not be fetched: $($_.Exception.Status) $($_.Exception.Response.StatusCode)"
  }
  $hash = (Get-FileHash -Algorithm SHA256 -Path $installer).Hash
  if ($hash -ne $${parameters}Sha256) {
    throw "The installer's SHA-256 is $hash, not $${parameters}Sha256, so it was not run."
  }
  $setup = Start-Process -FilePath $installer -ArgumentList "/install /quiet /norestart /log $log addlocal=all${options}" -Wait -PassThru
  if ($setup.ExitCode -ne 0) {
    if ($setup.ExitCode -ne 3010) {
      $tail = ''
      if (Test-Path $log) {
        $tail = Get-Content -Path $log -Tail 6
      }
      throw "The installer ended with exit code $($setup.ExitCode). Its log ends: $tail"
    }
  }
}`;

/**
 * What the Azure guest agent runs on the Windows host: key-only OpenSSH, reachable on the cloud's (public) firewall profile, and the Luna client with all its
 * features from a checked installer. May be run twice. Its last lines tell what the step must know.
 * Sources: docs/reference/luna.md#client-installer, docs/reference/luna.md#openssh-firewall; docs/reference/luna.md#openssh-keys (exactly two on the ACL).
 * lunacm finds its configuration by the machine’s ChrystokiConfigurationPath, which stays the first client’s; sshd knows it after a restart
 * (docs/reference/luna.md#client-configuration-path).
 */
export const installScript = String.raw`param([string]$PublicKey, [string]$InstallerUrl, [string]$InstallerSha256, [string]$CertificateInstallerUrl, [string]$CertificateInstallerSha256)
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
if ($text -notmatch '(?m)^PasswordAuthentication no') {
  $text = "PasswordAuthentication no${'`n'}$text"
}
Set-Content -Path $config -Value $text
Restart-Service -Name sshd
$client = Join-Path $env:ProgramFiles 'SafeNet\LunaClient'
$lunacm = Join-Path $client 'lunacm.exe'${install('$lunacm', 'Installer', 'LunaHSMClient', '')}
$certificateClient = Join-Path $env:ProgramFiles 'SafeNet\LunaCertificateClient'
$createcert = Join-Path $certificateClient 'vtl.exe'
if ($CertificateInstallerUrl) {${install('$createcert', 'CertificateInstaller', 'LunaCertificateClient', besideTheFirst)}
  setx ChrystokiConfigurationPath $client /M
  $other = (Get-Item $createcert).VersionInfo.FileVersion
  Write-Output "certificate-client-version: $other"
}
$version = (Get-Item $lunacm).VersionInfo.FileVersion
$vtl = Test-Path (Join-Path $client 'vtl.exe')
$hostKey = Get-Content -Path (Join-Path $ssh 'ssh_host_rsa_key.pub')
Restart-Service -Name sshd
Write-Output "client-version: $version"
Write-Output "vtl: $vtl"
Write-Output "host-key: $hostKey"
`;
