export {
  type ArtifactRefusal,
  type ArtifactSummary,
  type ArtifactsClient,
  type CallDistributor,
  type CellStatus,
  type ConsumerPlace,
  type ConsumerView,
  type CoverageCell,
  type CoverageRow,
  createArtifactsClient,
  createLambdaCall,
  type DistributorAnswers,
  type DistributorReply,
  type DistributorRequest,
  type SeenFile,
} from "./artifacts-client.ts";
export {
  ARTIFACT_NAME,
  ARTIFACT_VERSION,
  digestManifest,
  findArtifactCode,
  isManifestKey,
  MAX_MANIFEST_BYTES,
  MAX_WHOLE_BYTES,
  Manifest,
  ManifestFile,
  ManifestPart,
  type ManifestProblem,
  PART_BYTES,
  type ParsedManifest,
  parseManifest,
  ServedHeaders,
  toManifestText,
  toServedInput,
} from "./manifest.ts";
export { type PublishInput, type PublishResult, publishArtifact } from "./publish-artifact.ts";
export type { PublishFile, PublishProgress } from "./publish-files.ts";
export { MAX_TEMPLATE_BYTES, readTemplate } from "./read-template.ts";
export { ReceivedReceipt } from "./receipt.ts";
export { type CheckStoredFileInput, checkStoredFile, type StoredFileCheck } from "./upload-file.ts";
export { type CoverageOutcome, type WaitForCoverageInput, waitForCoverage } from "./wait-for-coverage.ts";
