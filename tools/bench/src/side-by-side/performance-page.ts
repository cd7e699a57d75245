/** Replaces what stands between a section's two marks in a page. Throws when the marks are not there, once each and in order. */
export function replaceSection(page: string, section: string, text: string): string {
  const begin = `<!-- begin ${section}: written by the benchmark -->`;
  const end = `<!-- end ${section} -->`;
  const [before, rest, ...more] = page.split(begin);
  const [, after, ...others] = (rest ?? "").split(end);
  if (before === undefined || after === undefined || more.length + others.length > 0) {
    throw new Error(`The page needs "${begin}" and then "${end}", once each.`);
  }
  return `${before}${begin}\n\n${text.trim()}\n\n${end}${after}`;
}
