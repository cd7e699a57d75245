import { PRESETS, type PresetName, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { type ReleaseNames, toReleaseNames } from "./release-names.ts";

/** A preset with all its values; templates choose it by a parameter. */
export interface ReleaseChoice {
  /** Its name, or the parameter that contains it. */
  readonly preset: string;
  readonly names: ReleaseNames;
  /** The state machine, with `${FunctionArn}` for the function; an object, or a template condition that chooses between two. */
  readonly definition: object;
}

/** Returns the values of a preset. */
export function toReleaseChoice(preset: PresetName): ReleaseChoice {
  return { preset, names: toReleaseNames(preset), definition: toDefinition(preset) };
}

/** Returns the states of a preset's releases. Errors of Lambda itself are retried. */
export function toDefinition(preset: PresetName): object {
  return toReleaseStateMachine({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    functionArn: "${FunctionArn}",
    generation: PRESETS[preset].generation,
    retryInvocations: true,
  });
}
