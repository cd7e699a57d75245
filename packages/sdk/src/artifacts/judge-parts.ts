import type { ManifestFile } from "./manifest.ts";
import type { ManifestProblem } from "./manifest-problem.ts";

const MIB = 1_024 ** 2;

/** The largest file that needs no digests of its parts. */
export const MAX_WHOLE_BYTES: number = 64 * MIB;
/** The smallest and the largest part but the last. Amazon S3 user guide, "Amazon S3 multipart upload limits": 5 GiB. */
export const PART_BYTES: { readonly min: number; readonly max: number } = { min: 8 * MIB, max: 5 * 1_024 * MIB };

/** What is wrong with the parts of a file. `pointer`: to the file. */
export function judgeParts({ size, parts }: ManifestFile, pointer: string): readonly ManifestProblem[] {
  if (parts === undefined) {
    if (size <= MAX_WHOLE_BYTES) return [];
    return [{ pointer, message: `A file of more than ${MAX_WHOLE_BYTES} bytes needs "parts".` }];
  }
  const [first, last] = [parts.at(0)?.size ?? 0, parts.at(-1)?.size ?? 0];
  const sum = parts.reduce((total, part) => total + part.size, 0);
  const rules: readonly (readonly [where: string, isBroken: boolean, message: string])[] = [
    ["", sum !== size, `The parts have ${sum} bytes together, and the file has ${size}.`],
    ["", parts.slice(0, -1).some((part) => part.size !== first), "All parts but the last have the same size."],
    ["/0/size", parts.length > 1 && first < PART_BYTES.min, `A part has at least ${PART_BYTES.min} bytes.`],
    ["/0/size", first > PART_BYTES.max, `A part has at most ${PART_BYTES.max} bytes.`],
    [`/${parts.length - 1}/size`, last > first, "The last part is not larger than the others."],
    [`/${parts.length - 1}/size`, last === 0 && parts.length > 1, "The last part is not empty."],
  ];
  return rules.flatMap(([where, isBroken, message]) =>
    isBroken ? [{ pointer: `${pointer}/parts${where}`, message }] : [],
  );
}
