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
