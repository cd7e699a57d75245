import { findNearestName } from "../document/nearest-name.ts";
import { quote, suggest } from "../document/wording.ts";

/** That there is no machine of this name, with the known one that was probably meant. */
export function tellUnknownMachine(name: string, known: Iterable<string>): string {
  return `There is no machine ${quote(name)}.${suggest(findNearestName(name, known))}`;
}
