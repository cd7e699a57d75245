const MARK = "…";

/**
 * A text of at most `max` UTF-16 units, which is never more than the characters that AWS counts. It is cut at the border of
 * a character, and ends in an ellipsis then.
 */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = max - MARK.length;
  const last = text.charCodeAt(end - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? end - 1 : end) + MARK;
}
