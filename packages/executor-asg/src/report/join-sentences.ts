/** Sentences in a row; each but the last gets the full stop that it lacks. */
export function joinSentences(sentences: readonly string[]): string {
  const last = sentences.length - 1;
  return sentences.map((each, at) => (at === last || /[.!?]$/.test(each) ? each : `${each}.`)).join(" ");
}
