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

/** How tools name a line, the most exact first. */
const FORMS: readonly RegExp[] = [
  // Terraform: on main.tf line 17, in resource …
  new RegExp(`\\bon ${FILE} line (\\d{1,7})\\b`),
  // Python: File "app/main.py", line 17
  new RegExp(`\\bFile "${FILE}", line (\\d{1,7})\\b`),
  new RegExp(`${BEFORE}${FILE}:(\\d{1,7})\\b`),
  new RegExp(`${BEFORE}${FILE}\\((\\d{1,7})[,)]`),
];

/** Texts are read up to here: a message may be megabytes. */
const MOST_CHARACTERS = 20_000;

/** Returns the first line of a file that an error names; undefined without one. */
export function findPlace(text: string): Place | undefined {
  const read = text.slice(0, MOST_CHARACTERS);
  for (const form of FORMS) {
    const [, file, line] = form.exec(read) ?? [];
    if (file !== undefined && line !== undefined && !file.includes("node_modules/"))
      return { file, line: Number(line) };
  }
  return undefined;
}
