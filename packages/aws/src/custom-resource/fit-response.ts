/** "The response body can't exceed 4096 bytes": more is not read, and CloudFormation waits for an hour. */
const MAX_RESPONSE_BYTES = 4_096;
const ELLIPSIS = "…";

/** True for an answer that CloudFormation reads: at most 4,096 bytes of JSON (user guide, "Custom resource response objects"). */
export function isWithinLimit(response: object): boolean {
  return Buffer.byteLength(JSON.stringify(response)) <= MAX_RESPONSE_BYTES;
}

/** A reason as it may stand in an answer. A success is told in one line. */
export function toReason(text: string, status: "SUCCESS" | "FAILED"): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: in JSON each of them takes six bytes and shows nothing.
  const plain = text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, " ");
  return (status === "SUCCESS" ? plain.replace(/\s*\n\s*/g, " ") : plain).trim();
}

/** The longest beginning of the reason with which the answer fits; where none does, `least` characters of it. */
export function cutReason<Response extends { readonly Reason: string }>(response: Response, least: number): Response {
  const characters = [...response.Reason];
  if (characters.length <= least || isWithinLimit(response)) return response;
  const cutAt = (length: number): Response => {
    const isWhole = length >= characters.length;
    return { ...response, Reason: isWhole ? response.Reason : characters.slice(0, length - 1).join("") + ELLIPSIS };
  };
  let [fits, tooLong] = [least, characters.length];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (isWithinLimit(cutAt(middle))) fits = middle;
    else tooLong = middle;
  }
  return cutAt(fits);
}
