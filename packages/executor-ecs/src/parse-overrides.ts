import { redactText } from "@stackyard/aws";
import { isMap, keepStart } from "@stackyard/core";

/** One problem of an untrusted value. */
export interface ValueProblem {
  /** JSON pointer, in the author's spelling; the empty text is the whole value. */
  readonly path: string;
  readonly message: string;
}

/** The overrides of one container's definition (ECS API, ContainerOverride). */
interface ContainerOverrides {
  readonly name: string;
  readonly command?: readonly string[];
  readonly environment?: readonly { readonly name: string; readonly value: string }[];
  readonly environmentFiles?: readonly { readonly type: string; readonly value: string }[];
  readonly resourceRequirements?: readonly { readonly type: string; readonly value: string }[];
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
}

/** The overrides of a task's definition (ECS API, TaskOverride). */
export interface TaskOverrides {
  readonly containerOverrides?: readonly ContainerOverrides[];
  readonly cpu?: string;
  readonly memory?: string;
  readonly taskRoleArn?: string;
  readonly executionRoleArn?: string;
  readonly ephemeralStorage?: { readonly sizeInGiB: number };
}

/** Overrides in the format of ECS, or all their faults. */
export type ParsedOverrides =
  | { readonly overrides: TaskOverrides }
  | { readonly problems: readonly [ValueProblem, ...ValueProblem[]] };

/** RunTask API, `overrides`: "A total of 8192 characters are allowed for overrides." */
const MAX_CHARS = 8_192;

/**
 * Parses overrides as people write them in templates and machines: first letters may be upper case, numbers and
 * booleans are accepted as text where text is required, and digits as an integer where one is required. Unknown keys,
 * nulls and more than 8,192 characters of JSON are problems. An absent value overrides nothing. Never throws.
 */
export function parseOverrides(value: unknown): ParsedOverrides {
  if (value === undefined) return { overrides: {} };
  const problems: ValueProblem[] = [];
  const overrides = readOverrides(value, "", (path, message) => problems.push({ path, message }));
  const chars = JSON.stringify(overrides)?.length ?? 0;
  if (chars > MAX_CHARS) {
    problems.push({ path: "", message: `has ${chars} characters of JSON, and ECS takes ${MAX_CHARS}` });
  }
  const [first, ...rest] = problems;
  // Every reader below returns a value of its type or has reported a problem.
  return first === undefined ? { overrides: overrides as TaskOverrides } : { problems: [first, ...rest] };
}

type Report = (path: string, message: string) => void;
/** Returns the value for ECS, or reports a problem. */
type Reader = (value: unknown, path: string, report: Report) => unknown;

const readNamed = objectOf({ name: filledText, value: text }, ["name", "value"]);
const readTyped = objectOf({ type: filledText, value: filledText }, ["type", "value"]);

const readContainer = objectOf(
  {
    name: filledText,
    command: listOf(text),
    environment: listOf(readNamed),
    environmentFiles: listOf(readTyped),
    resourceRequirements: listOf(readTyped),
    cpu: integer,
    memory: integer,
    memoryReservation: integer,
  },
  ["name"],
);

const readOverrides = objectOf({
  containerOverrides: listOf(readContainer),
  cpu: text,
  memory: text,
  taskRoleArn: text,
  executionRoleArn: text,
  ephemeralStorage: objectOf({ sizeInGiB: integer }, ["sizeInGiB"]),
});

function text(value: unknown, path: string, report: Report): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return String(value);
  report(path, `must be text, not ${toKind(value)}`);
  return "";
}

function filledText(value: unknown, path: string, report: Report): string {
  const read = text(value, path, report);
  if (value === "") report(path, "must not be empty");
  return read;
}

function integer(value: unknown, path: string, report: Report): number {
  const number = typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  report(path, "must be an integer, or text of digits only");
  return 0;
}

function listOf(read: Reader): Reader {
  return (value, path, report) => {
    if (Array.isArray(value)) return value.map((item: unknown, index) => read(item, `${path}/${index}`, report));
    report(path, `must be a list, not ${toKind(value)}`);
    return [];
  };
}

function objectOf(readers: Readonly<Record<string, Reader>>, required: readonly string[] = []): Reader {
  const known = new Map(Object.entries(readers));
  return (value, path, report) => {
    if (isMap(value)) return readEntries({ known, required, entries: Object.entries(value) }, path, report);
    report(path, `must be an object, not ${toKind(value)}`);
    return {};
  };
}

interface ReadObject {
  readonly known: ReadonlyMap<string, Reader>;
  readonly required: readonly string[];
  readonly entries: readonly (readonly [string, unknown])[];
}

function readEntries({ known, required, entries }: ReadObject, path: string, report: Report): object {
  const read = new Map<string, unknown>();
  for (const [written, item] of entries) {
    const key = known.has(written) ? written : toLowerFirst(written);
    const reader = read.has(key) ? reportTwice : (known.get(key) ?? unknownKey([...known.keys()]));
    read.set(key, reader(item, `${path}/${toPointerPart(written)}`, report));
  }
  for (const key of required) if (!read.has(key)) report(`${path}/${key}`, "is required");
  return Object.fromEntries(read);
}

function reportTwice(_: unknown, path: string, report: Report): void {
  report(path, "is set twice, in two spellings");
}

function unknownKey(known: readonly string[]): Reader {
  return (_, path, report) => report(path, `is unknown; valid keys are ${known.join(", ")}`);
}

function toLowerFirst(key: string): string {
  return key.slice(0, 1).toLowerCase() + key.slice(1);
}

function toPointerPart(key: string): string {
  return keepStart(key, 100).replaceAll("~", "~0").replaceAll("/", "~1");
}

function toKind(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Variables for one container. */
interface AddedEnvironment {
  readonly container: string | undefined;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

/**
 * Adds variables to a container's overrides; they take precedence over overrides of the same name. Without a name they
 * go to the only container of the definition. Exceeding the limits of ECS is a problem, as in `parseOverrides`.
 */
export function withEnvironment(
  overrides: TaskOverrides,
  { container, environment }: AddedEnvironment,
  containerNames: readonly string[],
): ParsedOverrides {
  if (environment.length === 0) return { overrides };
  const name = container ?? (containerNames.length === 1 ? containerNames[0] : undefined);
  if (name === undefined) {
    const message = `needs "container": the definition has ${containerNames.length} containers (${containerNames.join(", ")})`;
    return { problems: [{ path: "/environment", message }] };
  }
  const all = overrides.containerOverrides ?? [];
  const own = all.find((each) => each.name === name) ?? { name };
  const added = new Set(environment.map((entry) => entry.name));
  const kept = (own.environment ?? []).filter((entry) => !added.has(entry.name));
  const changed = { ...own, environment: [...kept, ...environment] };
  const containerOverrides = all.some((each) => each.name === name)
    ? all.map((each) => (each.name === name ? changed : each))
    : [...all, changed];
  return parseOverrides({ ...overrides, containerOverrides });
}

/** The parts of a container's definition that may contain secrets or names of them. */
interface SecretiveContainer {
  readonly secrets?: readonly { readonly name?: string | undefined }[] | undefined;
  readonly environment?:
    | readonly { readonly name?: string | undefined; readonly value?: string | undefined }[]
    | undefined;
}

const MASK = "***";
/** Shorter texts would match in unrelated lines. */
const MIN_VALUE_CHARS = 4;
const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|credential|dsn|_url$|_uri$/i;

/**
 * Creates a mask for lines of a task's log: values after the name of a secret of the task definition (`NAME=…`, `NAME:
 * …`, `"NAME":"…"`), the values of variables with names of secrets, and texts in the form of secrets. The values of the
 * definition's `secrets` remain in their store and are not read.
 */
export function createSecretMask(
  containers: readonly SecretiveContainer[],
  overrides: TaskOverrides = {},
): (text: string) => string {
  const overridden = overrides.containerOverrides ?? [];
  const names = containers.flatMap(({ secrets = [] }) => secrets.flatMap(({ name }) => name || []));
  const entries = [...containers, ...overridden].flatMap(({ environment = [] }) => environment);
  const values = entries
    .filter(({ name = "" }) => SECRET_NAME.test(name))
    .flatMap(({ value = "" }) => (value.length >= MIN_VALUE_CHARS ? [value] : []))
    .sort((a, b) => b.length - a.length);
  const named = toNamedPattern([...new Set(names)]);
  return (text) => {
    const masked = values.reduce((line, value) => line.replaceAll(value, MASK), text);
    return redactText(named === undefined ? masked : masked.replace(named, `$1${MASK}`));
  };
}

function toNamedPattern(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const either = names.map((name) => name.replace(/[^A-Za-z0-9_]/g, "\\$&")).join("|");
  return new RegExp(`(\\b(?:${either})\\b["']?\\s{0,3}[:=]\\s{0,3})("(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^\\s,;&}"']+)`, "g");
}
