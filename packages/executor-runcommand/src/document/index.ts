export {
  type ApplyArtifactParameter,
  type ArtifactObject,
  applyArtifactDocument,
  applyArtifactHash,
  applyArtifactName,
  applyArtifactParameters,
  applyArtifactText,
  findArtifactLocation,
  type SsmDocument,
  type SsmDocumentParameter,
  type SsmStep,
} from "./apply-artifact-document.ts";
export { type GarlcInput, garlcLines } from "./garlc-lines.ts";
export {
  ArtifactProfile,
  builtInProfiles,
  DocumentProfile,
  PatchProfile,
  ProfileDefinition,
} from "./profile-definition.ts";
export { type ProfileInput, type ProfileProblem, type ResolvedProfile, resolveProfile } from "./resolve-profile.ts";
