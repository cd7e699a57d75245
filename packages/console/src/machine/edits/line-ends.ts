/** Returns the line end of the line at an offset, else the document's. */
export function lineEndAt(text: string, offset: number): string {
  const index = text.indexOf("\n", offset > 0 && text[offset - 1] === "\n" ? offset - 1 : offset);
  const end = index === -1 ? text.indexOf("\n") : index;
  return end > 0 && text[end - 1] === "\r" ? "\r\n" : "\n";
}

/** Returns an offset without the line end before it. */
export function lineEndBefore(text: string, end: number): number {
  return text[end - 2] === "\r" ? end - 2 : end - 1;
}
