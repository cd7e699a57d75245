import { readFileSync } from "node:fs";
import { join } from "node:path";

type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }
    >
  >;
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const TITLES: Readonly<Record<string, string>> = {
  events: "Events",
  stacks: "Stacks",
  operations: "Operations by hand",
  jobs: "Jobs",
  approvals: "Approvals",
  bulk: "Bulk operations",
  promotion: "Promotion",
  freezes: "Freezes",
  history: "History",
  stream: "Live updates",
  attempts: "Attempts",
  machines: "Machines and simulation",
  artifacts: "Artifacts and consumers",
  terraform: "Terraform states",
  previews: "Previews",
  access: "Tokens and sessions",
  audit: "Audit log",
  health: "Health and metrics",
};

const NEXT = `## Next

- [Events](events.md): how events are decided
- [Errors](errors.md): what each error code means
- [Access control](access.md): who may call which operation
`;

/** Formats the page `docs/http-api.md`: a written introduction, then all operations and schemas of the document. */
export function toApiPage(document: ApiDocument): string {
  const introduction = readFileSync(join(import.meta.dirname, "http-api-introduction.md"), "utf8");
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const untitled = rows.find(({ operation }) => !operation.tags.some((tag) => tag in TITLES));
  if (untitled !== undefined) throw new Error(`No title for the tags of ${untitled.operation.operationId}.`);
  const shared = findShared(rows.map(({ operation }) => operation));
  const groups = Object.entries(TITLES).map(([tag, title]) => {
    const entries = rows.filter(({ operation }) => operation.tags.includes(tag));
    return `## ${title}\n\n${entries.map(({ path, method, operation }) => formatOperation(path, method, operation, shared)).join("\n")}`;
  });
  const { schemas } = document.components;
  const printed = findPrinted(schemas);
  const shapes = Object.entries(schemas).flatMap(([name, schema]) =>
    printed.has(name) ? formatShape(name, schema) : [],
  );
  const titles = [SHARED_TITLE, ...Object.values(TITLES), "Shapes"];
  const contents = titles.map((title) => `- [${title}](#${toAnchor(title)})`).join("\n");
  const parts = [introduction.trim(), `**Contents**\n\n${contents}`, formatShared(shared), groups.join("\n")];
  const text = `${parts.join("\n\n")}\n## Shapes\n\n${SHAPES}\n\n${shapes.join("\n")}\n${NEXT}`;
  return text.replaceAll(/\[(\w+)\]\(#shape-\w+\)/g, (_, name: string) =>
    printed.has(name) ? `[${name}](#${name.toLowerCase()})` : `\`${name}\``,
  );
}

/** The shapes that most clients send and read; the others are in the document only. */
const CLIENT_SHAPES = [
  "EventMessage",
  "PublishAnswer",
  "OperationAnswer",
  "StackSummary",
  "StackDetails",
  "HistoryEntry",
  "Run",
  "ProblemDetails",
];

const SHAPES =
  "A `?` marks keys that may be missing; `/` separates the values that a key may have. These are what most clients send and read; a server returns all others, such as `Bulk`, at `/openapi.json`.";

/** Returns the names of the shapes of clients, and of those that they contain. */
function findPrinted(schemas: ApiDocument["components"]["schemas"]): ReadonlySet<string> {
  const printed = new Set<string>();
  const open = [...CLIENT_SHAPES];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (printed.has(name) || schemas[name] === undefined) continue;
    printed.add(name);
    const references = JSON.stringify(schemas[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    for (const [, reference = ""] of references) open.push(reference);
  }
  return printed;
}

const SHARED_TITLE = "Shared parameters and answers";

/** What two operations or more have, which the page describes once: lines of parameters by their key, and of answers by their status. */
interface Shared {
  readonly parameters: ReadonlyMap<string, string>;
  readonly answers: ReadonlyMap<string, string>;
}

function findShared(operations: readonly Operation[]): Shared {
  const shared = new Map<string, string>();
  for (const text of findRepeated(operations.flatMap(({ parameters }) => parameters.map(toKeyAndLine)))) {
    const [key = "", line = ""] = text.split("\n");
    // An operation refers to a parameter by its name, so of one name only the most frequent is shared.
    if (!shared.has(key)) shared.set(key, line);
  }
  const answers = new Map<string, string>();
  for (const answer of findRepeated(operations.flatMap(listAnswers)))
    if (!answers.has(statusOf(answer))) answers.set(statusOf(answer), answer);
  return { parameters: shared, answers };
}

/** Returns the texts that occur more than once, the most frequent first. */
function findRepeated(texts: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const repeated = [...counts].filter(([, count]) => count > 1);
  return repeated.sort(([, one], [, other]) => other - one).map(([text]) => text);
}

function formatShared({ parameters, answers }: Shared): string {
  const lines = (place: string) =>
    [...parameters].flatMap(([key, line]) => (key.startsWith(`${place} `) && line.includes(": ") ? [`- ${line}`] : []));
  const sorted = [...answers.values()].sort();
  return [
    `## ${SHARED_TITLE}`,
    "",
    "Operations name those of a query, and those answers, that they have. Limits of texts are in `/openapi.json`.",
    "",
    ...lines("path"),
    ...lines("query"),
    ...sorted.map((answer) => `- ${answer}`),
  ].join("\n");
}

function toAnchor(title: string): string {
  return title.toLowerCase().replaceAll(" ", "-");
}

function formatOperation(path: string, method: string, operation: Operation, shared: Shared): string {
  const { summary, parameters, requestBody, security } = operation;
  const isShared = (each: Parameter) => shared.parameters.get(toKey(each)) === formatParameter(each);
  const says = (each: Parameter) => !isShared(each) && formatParameter(each).includes(": ");
  const own = parameters.filter(says).map((each) => `- ${formatParameter(each)}`);
  const names = parameters.filter((each) => each.in === "query" && !says(each)).map(({ name }) => `\`${name}\``);
  const { schema: body, example } = requestBody?.content["application/json"] ?? {};
  const isSharedAnswer = (answer: string) => shared.answers.get(statusOf(answer)) === answer;
  const answers = listAnswers(operation).filter((answer) => !isSharedAnswer(answer));
  const statuses = listAnswers(operation).filter(isSharedAnswer).map(statusOf);
  return [
    `### ${method.toUpperCase()} \`${path}\``,
    "",
    security === undefined ? summary : `${summary} Needs no token.`,
    "",
    ...own,
    ...(names.length === 0 ? [] : [`- Query: ${names.join(", ")}`]),
    ...(body === undefined ? [] : [`- Body: ${formatType(body)}`]),
    ...(example === undefined ? [] : [`- Example: \`${JSON.stringify(example)}\``]),
    ...answers.map((answer) => `- ${answer}`),
    ...(statuses.length === 0 ? [] : [`- Shared answers: ${statuses.join(", ")}`]),
    "",
  ].join("\n");
}

function statusOf(answer: string): string {
  return answer.slice(0, 3);
}

function toKeyAndLine(parameter: Parameter): string {
  return `${toKey(parameter)}\n${formatParameter(parameter)}`;
}

function toKey(parameter: Parameter): string {
  return `${parameter.in} ${parameter.name}`;
}

function formatParameter({ name, in: place, required, schema }: Parameter): string {
  const note = place === "query" && required ? "Required. " : place === "header" ? "Header. " : "";
  const { maxLength: _, ...unbounded } = schema;
  return toLine(`\`${name}\``, unbounded, note);
}

function listAnswers({ responses }: Operation): readonly string[] {
  const answers = Object.entries(responses).filter(([status]) => status !== "default");
  return answers.map(([status, { description, content }]) => {
    const type = formatContent(content);
    return `${status}: ${description === "A page." && type.startsWith(" Page") ? "" : description}${type}`.replace(
      ":  ",
      ": ",
    );
  });
}

function formatContent(content: Operation["responses"][string]["content"]): string {
  const [first] = Object.entries(content ?? {});
  if (first === undefined || first[0] === "application/problem+json") return "";
  const [type, { schema }] = first;
  return type === "application/json" ? ` ${formatType(schema)}` : ` (\`${type}\`)`;
}

/** Formats a shape, with keys of one type that need no words in one line. */
function formatShape(name: string, schema: Schema): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, Schema>>);
  if (properties.length === 0) return `### ${name}\n\n${formatType(schema)}\n`;
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const lines = new Map<string, string[]>();
  for (const [key, property] of properties) {
    const label = `\`${key}${required.has(key) ? "" : "?"}\``;
    const note = formatNote(property);
    const line = note === "" ? formatType(property) : `${formatType(property)}. ${note}`;
    lines.set(line, [...(lines.get(line) ?? []), label]);
  }
  return `### ${name}\n\n${[...lines].map(([line, labels]) => `- ${labels.join(", ")}: ${line}`).join("\n")}\n`;
}

function toLine(label: string, schema: Schema, before: string): string {
  const type = formatType(schema);
  const note = `${before}${formatNote(schema)}`.trim();
  if (type === "string") return note === "" ? label : `${label}: ${note}`;
  return `${label}: ${note === "" ? type : `${type}. ${note}`}`;
}

/** Formats a type in one line. */
function formatType(schema: Schema): string {
  const { $ref, anyOf, items, properties, type } = schema;
  if ($ref !== undefined) return linkTo(String($ref).split("/").at(-1) ?? "");
  if (Array.isArray(anyOf)) return formatUnion(anyOf);
  if (Array.isArray(schema["enum"])) return schema["enum"].map((each) => `\`${each}\``).join("/");
  if (schema["const"] !== undefined) return `\`${JSON.stringify(schema["const"])}\``;
  if (type === "array") return formatList((items ?? {}) as Schema);
  if (type === "object" && properties !== undefined) return formatPage(schema) ?? formatKeys(schema);
  return type === undefined ? "anything" : String(type);
}

function formatUnion(schemas: readonly Schema[]): string {
  const parts = schemas.map((each) => (typeof each["const"] === "string" ? `\`${each["const"]}\`` : formatType(each)));
  return parts.join(schemas.every((each) => typeof each["const"] === "string") ? "/" : " or ");
}

function formatList(items: Schema): string {
  const type = formatType(items);
  return type.includes(" ") && !type.startsWith("{") ? `list of ${type}` : `${type}[]`;
}

/** A page of a list is described in the introduction; undefined for another answer. */
function formatPage(schema: Schema): string | undefined {
  const { items, cursor, unreadable, ...others } = schema["properties"] as Readonly<Record<string, Schema>>;
  if (items === undefined || cursor === undefined || unreadable === undefined) return undefined;
  const page = `Page of ${formatType((items["items"] ?? {}) as Schema)}`;
  return Object.keys(others).length === 0 ? page : `${page}, with ${formatKeys({ ...schema, properties: others })}`;
}

function formatKeys(schema: Schema): string {
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const entries = Object.entries(schema["properties"] as Readonly<Record<string, Schema>>);
  if (entries.length === 0) return "object";
  return `{ ${entries.map(([key, value]) => `${key}${required.has(key) ? "" : "?"}: ${formatType(value)}`).join(", ")} }`;
}

function linkTo(name: string): string {
  return `[${name}](#shape-${name})`;
}

function formatNote({ description, ...schema }: Schema): string {
  const bounds = [
    ["maximum", "at most #"],
    ["maxItems", "at most # items"],
  ].flatMap(([key = "", text = ""]) => (schema[key] === undefined ? [] : [text.replace("#", String(schema[key]))]));
  const text = bounds.join(", ");
  const sentence = text === "" ? "" : `${text[0]?.toUpperCase()}${text.slice(1)}.`;
  return [description === undefined ? "" : String(description), sentence].filter((part) => part !== "").join(" ");
}
