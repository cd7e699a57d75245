# Applies one artifact to this host: fetches it with the host's own role, checks its SHA-256, unpacks it into a folder of
# its own and runs its entry point, whose exit code is this script's. It stops at the first error.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2.0
$ProgressPreference = 'SilentlyContinue'

# Newer agents hand parameters over in the environment. Older ones write them between the quotes; the patterns of the
# document allow no kind of quote and no line's end, so a value cannot leave them.
if ($null -eq $env:SSM_ArtifactLocation) { $env:SSM_ArtifactLocation = '{{ ArtifactLocation }}' }
if ($null -eq $env:SSM_ArtifactSha256) { $env:SSM_ArtifactSha256 = '{{ ArtifactSha256 }}' }
if ($null -eq $env:SSM_EntryPoint) { $env:SSM_EntryPoint = '{{ EntryPoint }}' }
if ($null -eq $env:SSM_LockWait) { $env:SSM_LockWait = '{{ LockWait }}' }

function Stop-Run([int] $ExitCode, [string] $Code, [string] $Message) {
  [Console]::Error.WriteLine("stackyard: ${Code}: $Message")
  $script:Status = $ExitCode
  throw [System.OperationCanceledException]::new($Code)
}

# Nodes outside of EC2 have no metadata; their agent knows the region.
function Find-Region {
  if ($env:AWS_SSM_INSTANCE_ID -like 'mi-*') { return $env:AWS_SSM_REGION_NAME }
  $metadata = 'http://169.254.169.254'
  if ($env:AWS_EC2_METADATA_SERVICE_ENDPOINT) { $metadata = $env:AWS_EC2_METADATA_SERVICE_ENDPOINT.TrimEnd('/') }
  try {
    $ttl = @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '21600' }
    $token = Invoke-RestMethod -Method Put -Uri "$metadata/latest/api/token" -Headers $ttl -TimeoutSec 10
    $header = @{ 'X-aws-ec2-metadata-token' = $token }
    return Invoke-RestMethod -Uri "$metadata/latest/meta-data/placement/region" -Headers $header -TimeoutSec 10
  } catch {
    Stop-Run 69 'METADATA_UNAVAILABLE' "the instance metadata service does not answer: $_"
  }
}

function Get-Artifact([string] $Region, [string] $File) {
  $rest = $env:SSM_ArtifactLocation.Substring('s3://'.Length)
  $bucket = $rest.Substring(0, $rest.IndexOf('/'))
  $path, $version = $rest.Substring($bucket.Length + 1) -split '\?versionId=', 2
  $from = @{ BucketName = $bucket; Key = [Uri]::UnescapeDataString($path); File = $File; Region = $Region }
  if ($version) { $from.VersionId = $version }
  try {
    Read-S3Object @from | Out-Null
  } catch {
    Stop-Run 66 'ARTIFACT_DOWNLOAD_FAILED' "cannot read s3://$bucket/${path}: $_"
  }
  $sum = (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash.ToLowerInvariant()
  if ($sum -cne $env:SSM_ArtifactSha256) {
    Stop-Run 65 'ARTIFACT_CHECKSUM_MISMATCH' "the artifact has the SHA-256 $sum and not $env:SSM_ArtifactSha256. Nothing was unpacked."
  }
}

# Names that leave the folder are refused before anything is unpacked. Links become files here, so they lead nowhere.
function Expand-Artifact([string] $File, [string] $Folder) {
  Add-Type -AssemblyName System.IO.Compression.FileSystem
  try {
    $archive = [System.IO.Compression.ZipFile]::OpenRead($File)
  } catch {
    Stop-Run 65 'ARTIFACT_UNREADABLE' "the artifact is not a zip archive: $_"
  }
  try {
    foreach ($entry in $archive.Entries) {
      if ($entry.FullName -match '^[\\/]|(^|[\\/])\.\.([\\/]|$)|:') {
        Stop-Run 65 'ARTIFACT_UNSAFE' 'the artifact holds a name that leaves its folder.'
      }
    }
  } finally {
    $archive.Dispose()
  }
  [System.IO.Compression.ZipFile]::ExtractToDirectory($File, $Folder)
}

$Status = 1
$mutex = [System.Threading.Mutex]::new($false, 'Global\Stackyard-ApplyArtifact')
$held = $false
$work = $null
try {
  $region = Find-Region
  if (-not $region) { Stop-Run 69 'METADATA_UNAVAILABLE' 'the region of this node is not known.' }
  $env:AWS_REGION = $region
  # One run at a time on a host. It ends with its process: the next one reports that, and gets it nevertheless.
  try {
    $held = $mutex.WaitOne([TimeSpan]::FromSeconds([int] $env:SSM_LockWait))
  } catch [System.Threading.AbandonedMutexException] {
    $held = $true
  }
  if (-not $held) {
    Stop-Run 75 'ALREADY_RUNNING' "another run works on this host and did not end within $env:SSM_LockWait s. Run this one again."
  }
  $work = Join-Path ([System.IO.Path]::GetTempPath()) "stackyard.$([Guid]::NewGuid().ToString('N'))"
  New-Item -ItemType Directory -Path $work | Out-Null
  Get-Artifact $region (Join-Path $work 'artifact.zip')
  Expand-Artifact (Join-Path $work 'artifact.zip') (Join-Path $work 'tree')
  $entry = Join-Path (Join-Path $work 'tree') $env:SSM_EntryPoint
  if ($entry -notlike '*.ps1') { Stop-Run 64 'PARAMETER_INVALID' 'on Windows the entry point is a .ps1 file; Ansible does not run there.' }
  if (-not (Test-Path -LiteralPath $entry -PathType Leaf)) {
    Stop-Run 66 'ENTRY_POINT_MISSING' "the artifact has no file $env:SSM_EntryPoint."
  }
  Push-Location (Join-Path $work 'tree')
  # A program that writes to its standard error has not failed for that: its exit code tells.
  $ErrorActionPreference = 'Continue'
  powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File $entry
  $Status = $LASTEXITCODE
} catch [System.OperationCanceledException] {
  # Stop-Run has said what is wrong.
} catch {
  [Console]::Error.WriteLine("stackyard: FAILED: $_")
} finally {
  Set-Location ([System.IO.Path]::GetTempPath())
  if ($work) { Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue }
  if ($held) { $mutex.ReleaseMutex() }
}
exit $Status
