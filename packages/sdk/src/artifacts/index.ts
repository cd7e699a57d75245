export { findArtifactCode } from "./artifact-error.ts";
export { type ArtifactsClient, createArtifactsClient } from "./client/create-artifacts-client.ts";
export { createLambdaCall } from "./client/create-lambda-call.ts";
export { type CoverageOutcome, type WaitForCoverageInput, waitForCoverage } from "./client/wait-for-coverage.ts";
export type {
  ArtifactSummary,
  CallDistributor,
  CellStatus,
  ConsumerPlace,
  ConsumerView,
  CoverageCell,
  CoverageRow,
  DistributorAnswers,
  DistributorReply,
  DistributorRequest,
  SeenFile,
} from "./distributor-request.ts";
export { MAX_WHOLE_BYTES, PART_BYTES } from "./judge-parts.ts";
export { ARTIFACT_NAME, ARTIFACT_VERSION, Manifest, ManifestFile, ManifestPart } from "./manifest.ts";
export { isManifestKey } from "./manifest-key.ts";
export type { ManifestProblem } from "./manifest-problem.ts";
export { digestManifest, toManifestText } from "./manifest-text.ts";
export { MAX_MANIFEST_BYTES, type ParsedManifest, parseManifest } from "./parse-manifest.ts";
export { type CheckStoredFileInput, checkStoredFile, type StoredFileCheck } from "./publish/check-stored-file.ts";
export { type PublishInput, type PublishResult, publishArtifact } from "./publish/publish-artifact.ts";
export type { PublishFile } from "./publish/publish-plan.ts";
export type { PublishProgress } from "./publish/publish-progress.ts";
