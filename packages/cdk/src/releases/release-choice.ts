import { PRESETS, type PresetName, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { type ReleaseNames, toReleaseNames } from "./release-names.ts";

/** A preset with all that comes of it; templates leave it to a parameter. */
export interface ReleaseChoice {
  /** Its name, or the parameter that gives it. */
  readonly preset: string;
  readonly names: ReleaseNames;
  /** The state machine, with `${FunctionArn}` for the function; an object, or a condition of a template between two. */
  readonly definition: object;
}

/** What a preset comes to. */
export function toReleaseChoice(preset: PresetName): ReleaseChoice {
  return { preset, names: toReleaseNames(preset), definition: toDefinition(preset) };
}

/** The states of releases of a preset. What Lambda itself fails with is retried. */
export function toDefinition(preset: PresetName): object {
  return toReleaseStateMachine({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    functionArn: "${FunctionArn}",
    generation: PRESETS[preset].generation,
    retryInvocations: true,
  });
}
