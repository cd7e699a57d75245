/** The three numbers of a version; what follows a hyphen is a pre-release. */
interface Version {
  readonly numbers: readonly number[];
  readonly prerelease: string;
}

const VERSION = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const CONDITION = /^(=|!=|>=|<=|>|<|~>)?\s*(\S+)$/;

/** True when the text is a constraint that `allowsVersion` understands. */
export function isVersionConstraint(text: string): boolean {
  return text.split(",").every((part) => parseCondition(part) !== undefined);
}

/**
 * True when the version fits the constraint, written as in Terraform's own `required_version`:
 * `1.11.4`, `>= 1.6, < 2.0`, `~> 1.11.0`. A pre-release comes before its release.
 */
export function allowsVersion(constraint: string, version: string): boolean {
  const actual = parseVersion(version);
  if (actual === undefined) return false;
  return constraint.split(",").every((part) => parseCondition(part)?.(actual) ?? false);
}

type Condition = (actual: Version) => boolean;

function parseCondition(part: string): Condition | undefined {
  const [, operator = "=", text = ""] = CONDITION.exec(part.trim()) ?? [];
  const wanted = parseVersion(text);
  return wanted && conditions.get(operator)?.(wanted);
}

const conditions: ReadonlyMap<string, (wanted: Version) => Condition> = new Map<string, (wanted: Version) => Condition>(
  [
    ["=", (wanted) => (actual) => compare(actual, wanted) === 0],
    ["!=", (wanted) => (actual) => compare(actual, wanted) !== 0],
    [">=", (wanted) => (actual) => compare(actual, wanted) >= 0],
    ["<=", (wanted) => (actual) => compare(actual, wanted) <= 0],
    [">", (wanted) => (actual) => compare(actual, wanted) > 0],
    ["<", (wanted) => (actual) => compare(actual, wanted) < 0],
    // The last number that is written may grow: `~> 1.11.0` is any 1.11, `~> 1.11` any 1 from there.
    ["~>", (wanted) => (actual) => compare(actual, wanted) >= 0 && sharesAllButLast(wanted, actual)],
  ],
);

function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, prerelease = ""] = VERSION.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { numbers: [major, minor, patch].filter((part) => part !== undefined).map(Number), prerelease };
}

function compare(a: Version, b: Version): number {
  const places = [0, 1, 2].map((place) => (a.numbers[place] ?? 0) - (b.numbers[place] ?? 0));
  return places.find((difference) => difference !== 0) ?? comparePrerelease(a.prerelease, b.prerelease);
}

function comparePrerelease(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "") return 1;
  return b === "" ? -1 : a.localeCompare(b, "en", { numeric: true });
}

function sharesAllButLast(wanted: Version, actual: Version): boolean {
  return wanted.numbers.slice(0, -1).every((number, place) => number === (actual.numbers[place] ?? 0));
}
