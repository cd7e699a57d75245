/** A line of a file that a text names. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Endings of files that people write. Without this list, `db.example.org:443` would be a place. */
const ENDINGS =
  "c|cc|cjs|cpp|cs|css|go|h|hcl|html|java|js|json|jsx|kt|mjs|mts|php|py|rb|rs|scala|sh|sql|swift|tf|tofu|toml|ts|tsx|xml|yaml|yml";
const BEFORE = "(?:^|[\\s(\"'`\\[])";
const FILE = `((?:[\\w.@~+-]*/)*[\\w.@+-]+\\.(?:${ENDINGS}))`;

/** The forms in which tools name a line, the most exact first. */
const FORMS: readonly RegExp[] = [
  // Terraform: on main.tf line 17, in resource …
  new RegExp(`\\bon ${FILE} line (\\d{1,7})\\b`, "g"),
  // Python: File "app/main.py", line 17
  new RegExp(`\\bFile "${FILE}", line (\\d{1,7})\\b`, "g"),
  new RegExp(`${BEFORE}${FILE}:(\\d{1,7})\\b`, "g"),
  new RegExp(`${BEFORE}${FILE}\\((\\d{1,7})[,)]`, "g"),
];

/** Texts are read up to here: a message may be megabytes. */
const MOST_CHARACTERS = 20_000;

/**
 * Returns a text without the lines after its first that say nothing but the place that it names, such as `at db.mjs:12:5`: the
 * place is shown on its own.
 */
export function withoutPlace(text: string): string {
  const place = findPlace(text);
  if (place === undefined) return text;
  const named = `${place.file}:${place.line}`;
  const [first = "", ...others] = text.split("\n");
  const isPlace = (line: string) => PLACE_ALONE.exec(line.trim())?.[1] === named;
  return [first, ...others.filter((line) => !isPlace(line))].join("\n");
}

/** A place, and what may be before and after it. */
const PLACE_ALONE = /^(?:at |in )?([^\s:]+:\d+)(?::\d+)?$/;

/** Returns the first line of a file of one's own that an error names; undefined without one. */
export function findPlace(text: string): Place | undefined {
  const read = text.slice(0, MOST_CHARACTERS);
  const places = FORMS.flatMap((form) =>
    [...read.matchAll(form)].map(([, file = "", line]) => ({ file, line: Number(line) })),
  );
  // Where a library fails is not where to look.
  return places.find(({ file }) => !file.includes("node_modules/"));
}
