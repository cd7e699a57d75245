/** Before the first code unit of a surrogate pair, code units are in the order of their bytes in UTF-8. */
const FIRST_SURROGATE = 0xd800;

/**
 * Compares two texts as their bytes in UTF-8 do: the order of ids in every store. Texts that differ first in common
 * characters are compared without their bytes, which is most of the time of a sorted list.
 */
export function compareUtf8(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let index = 0;
  while (index < most && a.charCodeAt(index) === b.charCodeAt(index)) index += 1;
  if (index === most) return Math.sign(a.length - b.length);
  const [one, other] = [a.charCodeAt(index), b.charCodeAt(index)];
  if (one < FIRST_SURROGATE && other < FIRST_SURROGATE) return one < other ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
