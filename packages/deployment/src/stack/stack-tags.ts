import { type Place, parsePlace } from "../object-keys.ts";
import type { StackFacts } from "./find-stack.ts";

/** Tags by which our stacks know what they were deployed from. */
export const STACK_TAGS = {
  template: "stackyard:template",
  yard: "stackyard:yard",
  release: "stackyard:release",
  bucket: "stackyard:bucket",
  prefix: "stackyard:prefix",
} as const;

/** Where a stack was deployed from; undefined: not by us, or the tags are not ours any more. */
export function findDeployedPlace({ tags }: Pick<StackFacts, "tags">): Place | undefined {
  const bucket = tags.get(STACK_TAGS.bucket);
  if (bucket === undefined) return undefined;
  try {
    return parsePlace(bucket, tags.get(STACK_TAGS.prefix));
  } catch {
    return undefined;
  }
}

/** `stackyard-main` for the whole yard, `stackyard-main-task-runner` for a part of it. Names of stacks have no `_`. */
export function toStackName(yard: string, template: string): string {
  const start = `stackyard-${yard.replaceAll("_", "-")}`;
  return template === "yard" ? start : `${start}-${template}`;
}
