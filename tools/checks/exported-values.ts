/** A file is one thought. Above so many exported values it must be listed here; types are free. */
const MOST_VALUES = 12;
const VALUE = /^export (?:async )?(?:function\*?|const|let|class|enum|abstract class) /gm;

/** Returns what is wrong: files with too many exported values that are not listed, and listed files that are smaller now. */
export function findCrowdedFiles(
  files: ReadonlyMap<string, string>,
  listed: Readonly<Record<string, number>>,
): readonly string[] {
  const counts = new Map([...files].map(([path, text]) => [path, text.match(VALUE)?.length ?? 0]));
  const large = [...counts].filter(([path, count]) => count > Math.max(MOST_VALUES, listed[path] ?? 0));
  const small = Object.entries(listed).filter(([path, count]) => (counts.get(path) ?? 0) < count);
  return [
    ...large.map(
      ([path, count]) =>
        `${path} exports ${count} values, more than ${listed[path] ?? MOST_VALUES}: split it by subject.`,
    ),
    ...small.map(
      ([path]) =>
        `${path} exports ${counts.get(path) ?? 0} values now: lower its line in LISTED, or remove it up to ${MOST_VALUES}.`,
    ),
  ];
}
