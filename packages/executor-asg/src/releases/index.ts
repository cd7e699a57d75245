export { type ReleasePictureOptions, toReleasePicture } from "../plan/format-release.ts";
export { PRESETS, type PresetName, type ReleaseConstants } from "../presets.ts";
export { type ReleaseStateMachine, type ReleaseStateMachineOptions, toReleaseStateMachine } from "../step-functions.ts";
export { createReleases, type Releases, type ReleasesDeps } from "./releases.ts";
