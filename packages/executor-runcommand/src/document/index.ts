export {
  type ApplyArtifactParameter,
  applyArtifactDocument,
  applyArtifactHash,
  applyArtifactName,
  applyArtifactText,
  type SsmDocument,
  type SsmDocumentParameter,
  type SsmStep,
} from "./apply-artifact-document.ts";
export {
  ArtifactProfile,
  builtInProfiles,
  DocumentProfile,
  PatchProfile,
  ProfileDefinition,
} from "./profile-definition.ts";
