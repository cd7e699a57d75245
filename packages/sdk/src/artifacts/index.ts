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
export { ARTIFACT_NAME, ARTIFACT_VERSION, Manifest, ManifestFile, ManifestPart } from "./manifest.ts";
