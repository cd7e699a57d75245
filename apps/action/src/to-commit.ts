import type { NewEvent } from "@stackyard/sdk";
import type { Inputs } from "./read-inputs.ts";

/**
 * Returns the commit of the pull request, where one key of the metadata has it: checks are about commits that events carry.
 * Which of several keys says what the stack runs is not known.
 */
export function toCommit(
  { metadata = {} }: Pick<Inputs["event"], "metadata">,
  head: string | undefined,
): Pick<NewEvent, "commit"> {
  const [key, ...others] = Object.keys(metadata).filter((each) => metadata[each] === head);
  const isOnly = head !== undefined && key !== undefined && others.length === 0;
  return isOnly ? { commit: { id: head, key } } : {};
}
