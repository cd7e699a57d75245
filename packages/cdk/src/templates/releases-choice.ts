import { PRESETS, type PresetName } from "@stackyard/executor-asg/releases";
import { CfnCondition, CfnMapping, Fn, type Stack, Token } from "aws-cdk-lib";
import { type ReleaseChoice, toDefinition } from "../releases/release-choice.ts";
import { type ReleaseNames, toReleaseNames } from "../releases/release-names.ts";
import type { TemplateParameters } from "./template-parameters.ts";

const COLUMNS = {
  function: "Function",
  bucketPrefix: "BucketPrefix",
  lockTable: "LockTable",
  assumedRole: "AssumedRole",
  profileRoot: "ProfileRoot",
  placementRoot: "PlacementRoot",
} as const satisfies Record<keyof ReleaseNames, string>;

/** What a parameter chooses: a row of a mapping in the template. `columns`: the required ones. */
export function addReleaseNames<Column extends keyof ReleaseNames>(
  stack: Stack,
  columns: readonly Column[],
): Pick<ReleaseNames, Column> {
  const presets = Object.keys(PRESETS).filter((name): name is PresetName => Object.hasOwn(PRESETS, name));
  const mapping = Object.fromEntries(
    presets.map((preset) => {
      const names = toReleaseNames(preset);
      return [preset, Object.fromEntries(columns.map((column) => [COLUMNS[column], names[column]]))];
    }),
  );
  const { logicalId } = new CfnMapping(stack, "ReleaseNames", { mapping });
  const find = (column: Column) => Fn.findInMap(logicalId, Fn.ref("ReleasesPreset"), COLUMNS[column]);
  // Every requested column is present.
  return Object.fromEntries(columns.map((column) => [column, find(column)])) as Pick<ReleaseNames, Column>;
}

/** Returns the preset that a parameter chooses. */
export function addReleaseChoice(stack: Stack, parameters: TemplateParameters): ReleaseChoice {
  const isSeed = new CfnCondition(stack, "IsStepAsgDeployer", {
    expression: Fn.conditionEquals(parameters.text("ReleasesPreset"), "step-asg-deployer"),
  });
  const names = addReleaseNames(stack, ["function", "bucketPrefix", "lockTable", "assumedRole"]);
  return {
    preset: parameters.text("ReleasesPreset"),
    // The function needs no paths: it receives the preset.
    names: { ...names, profileRoot: "", placementRoot: "" },
    definition: Fn.conditionIf(isSeed.logicalId, toDefinition("step-asg-deployer"), toDefinition("odin")),
  };
}

/** Returns an optional name, or its default. */
export function orElse(parameters: TemplateParameters, name: "AssumedRole", otherwise: string): string {
  const { condition, value } = parameters.given(name);
  return Token.asString(Fn.conditionIf(condition.logicalId, value, otherwise));
}
