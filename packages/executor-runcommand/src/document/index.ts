export {
  applyArtifactDocument,
  applyArtifactHash,
  applyArtifactName,
  applyArtifactText,
  type SsmDocument,
  type SsmStep,
} from "./apply-artifact-document.ts";
export {
  type ApplyArtifactParameter,
  applyArtifactParameters,
  type SsmDocumentParameter,
} from "./document-parameters.ts";
export { type GarlcInput, garlcLines } from "./garlc-lines.ts";
export {
  ArtifactProfile,
  builtInProfiles,
  DocumentProfile,
  PatchProfile,
  ProfileDefinition,
} from "./profile-definition.ts";
export { type ProfileInput, type ProfileProblem, type ResolvedProfile, resolveProfile } from "./resolve-profile.ts";
export { type ArtifactObject, findArtifactLocation } from "./to-artifact-location.ts";
