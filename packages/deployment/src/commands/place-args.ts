import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { type Place, parsePlace } from "../object-keys.ts";

/** Arguments that say where releases lie. */
export const placeArgs = {
  bucket: Type.Optional(
    Type.String({
      description: "Where releases lie. Default: where the stack was deployed from, else where you published last.",
    }),
  ),
  prefix: Type.Optional(Type.String({ description: "Beginning of all keys in the bucket, such as `stackyard/`." })),
};

/** What the arguments hold. */
export interface GivenPlace {
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
}

/** The place that was named, else the first that is known. Throws `USAGE` when there is none. */
export function choosePlace(given: GivenPlace, known: readonly (Place | undefined)[]): Place {
  if (given.bucket !== undefined) return parsePlace(given.bucket, given.prefix);
  const found = known.find((place) => place !== undefined);
  if (found === undefined) throw new StackyardError("USAGE", "Nobody knows the bucket yet: name it with --bucket.");
  return given.prefix === undefined ? found : parsePlace(found.bucket, given.prefix);
}
