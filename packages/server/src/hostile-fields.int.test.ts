import { isMap } from "@stackyard/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Documented, listDocumented, toNeededQuery } from "./testing/list-documented.ts";
import { toSample } from "./testing/to-sample.ts";
import { startTwoTenants, type TwoTenants } from "./testing/two-tenants.ts";

let tenants: TwoTenants;
let operations: readonly Documented[];
beforeAll(async () => {
  tenants = startTwoTenants();
  await tenants.plant(["web-1"]);
  operations = (await listDocumented(tenants.yard)).filter(({ permission }) => permission !== "public");
}, 60_000);
afterAll(() => tenants.yard.stop());

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

/** JSON texts: some values have no form in JavaScript, such as a key `__proto__`. */
const VALUES: Readonly<Record<string, string>> = {
  null: "null",
  "a boolean": "true",
  "a number": "-1.5e308",
  "a whole number": "9007199254740993",
  "an empty text": '""',
  "a huge text": JSON.stringify("x".repeat(200_000)),
  "control characters": '"\\u0000\\u001b[2J\\r\\n\\u202e"',
  "a lone surrogate": '"\\ud800"',
  "a reserved name": '"__proto__"',
  "a path": '"../../etc/passwd"',
  "a pattern": `"${"a*".repeat(50)}b"`,
  "an expression": `"${"(".repeat(200)}"`,
  "a list": '[[],{},null,"x"]',
  "a long list": `[${Array.from({ length: 20_000 }, () => '"x"').join(",")}]`,
  "a map": '{"":{"constructor":1}}',
  "a prototype": '{"__proto__":{"a":1}}',
  "a deep list": deep(30),
  "a deeper list": deep(5_000),
};

const HANG_MS = 5_000;
const NAMES: Readonly<Record<string, string>> = { stackId: "web-1", name: "review-app", key: "review-app/web-1/key" };

/** A stream or a text that is no JSON is only looked at for its status. */
async function ask(
  { method, path }: Documented,
  { search = "", body }: { search?: string; body?: string | undefined },
) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(NAMES[name] ?? "x"));
  const begin = performance.now();
  const request = new Request(`http://127.0.0.1${filled}${search}`, {
    method,
    headers: { authorization: "Bearer a-token-of-the-tests", "content-type": "application/json" },
    ...(body !== undefined && { body }),
  });
  const response = await tenants.yard.server.app.fetch(request);
  const isStream = response.headers.get("content-type") === "text/event-stream";
  const text = isStream ? "" : await response.text();
  if (isStream) await response.body?.cancel();
  return { status: response.status, text, ms: performance.now() - begin };
}

/** Returns what is wrong with an answer to a field that has a value of any kind. Of a whole body, no field is named. */
function findFault(answer: { readonly status: number; readonly text: string; readonly ms: number }, field: string) {
  const { status, text, ms } = answer;
  if (ms > HANG_MS) return `took ${Math.round(ms)} ms`;
  if (status >= 500) return `${status} ${text.slice(0, 200)}`;
  if (text.includes("node:internal") || text.includes(".ts:")) return `shows its code: ${text.slice(0, 200)}`;
  const problem: unknown = status === 400 && text.startsWith("{") ? JSON.parse(text) : undefined;
  if (!isMap(problem)) return undefined;
  const { detail, code } = problem;
  if (typeof code !== "string" || typeof detail !== "string") return `no problem: ${text.slice(0, 200)}`;
  // What is wrong with the whole body is not said of one field.
  const isWhole = /JSON|body|nested|deep|__proto__|characters/i.test(detail) && !detail.includes("fit its schema");
  return isWhole || text.includes(field) ? undefined : `does not name the field: ${text.slice(0, 200)}`;
}

/** Bodies that the handler checks, not the schema. */
const BODIES: Readonly<Record<string, object>> = {
  publishEvents: { event: "NOTE", stackId: "web-9" },
  previewEvent: { event: "DOWN" },
};

const toBase = ({ operationId, body }: Documented) => BODIES[operationId] ?? toSample(body);

/** The body of an operation with one field replaced, as text. */
function toBody(sample: unknown, path: readonly string[], value: string): string {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const fields = isMap(sample) ? sample : {};
  const others = Object.entries(fields).filter(([name]) => name !== step);
  const own = toBody(fields[step], rest, value);
  const texts = [
    ...others.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`),
    `${JSON.stringify(step)}:${own}`,
  ];
  return `{${texts.join(",")}}`;
}

/** The fields of a schema and of the maps in it, as paths. */
function listFields(schema: unknown, before: readonly string[] = []): readonly (readonly string[])[] {
  if (!isMap(schema) || before.length > 3) return [];
  const forms = Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [];
  const properties = isMap(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const own = properties.flatMap(([name, each]) => [[...before, name], ...listFields(each, [...before, name])]);
  return [...own, ...forms.flatMap((form) => listFields(form, before))];
}

interface Probe {
  readonly what: string;
  readonly field: string;
  readonly ask: () => ReturnType<typeof ask>;
}

async function listFaults(probes: readonly Probe[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const probe of probes) {
    const fault = findFault(await probe.ask(), probe.field);
    if (fault !== undefined) faults.push(`${probe.what}: ${fault}`);
  }
  return faults;
}

function probeBody(operation: Documented): readonly Probe[] {
  if (operation.body === undefined) return [];
  const base = toBase(operation);
  return [[], ...listFields(operation.body)].flatMap((path) =>
    Object.entries(VALUES).map(([kind, value]) => ({
      what: `${operation.operationId} ${path.join(".")} as ${kind}`,
      field: path.at(-1) ?? "",
      ask: () => ask(operation, { body: toBody(base, path, value) }),
    })),
  );
}

/** Longer addresses are refused before they are read. */
const MOST_QUERY = 8_000;

function probeQuery(operation: Documented): readonly Probe[] {
  const body = operation.body === undefined ? undefined : JSON.stringify(toBase(operation));
  return Object.keys(operation.query).flatMap((field) =>
    Object.entries(VALUES).map(([kind, value]) => {
      const parsed: unknown = JSON.parse(value);
      const search = toNeededQuery(operation);
      search.set(field, (typeof parsed === "string" ? parsed : value).slice(0, MOST_QUERY));
      const what = `${operation.operationId} ?${field} as ${kind}`;
      return { what, field, ask: () => ask(operation, { search: `?${search}`, body }) };
    }),
  );
}

it("answers every hostile value in every field of a body with words about the field", async () => {
  const probes = operations.flatMap(probeBody);

  expect(await listFaults(probes)).toEqual([]);
  expect(probes.length).toBeGreaterThan(1_500);
}, 60_000);

it("answers every hostile value in every field of a query with words about the field", async () => {
  const probes = operations.flatMap(probeQuery);

  expect(await listFaults(probes)).toEqual([]);
  expect(probes.length).toBeGreaterThan(1_000);
}, 60_000);
